"""Text to ids and back: `load_tokenizer` opens a tokenizer, `join` makes rows of what it gives.

`loading` picks the file; `sentencepiece` and `wordpiece` are the two tokenizers, `pieces` what they give;
`normalize` and `alphabet` are what each does to characters first, `limits` what both refuse; `spiece`,
`tokenizer_json`, `settings` and `huggingface` are the files.
"""
