"""What is wrong with a data file, and how to mend it. `checks/` holds what is looked for."""
