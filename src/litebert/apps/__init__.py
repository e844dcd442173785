"""What models are used for, whole: `search` finds, `assistant` answers, `recommend` proposes."""
