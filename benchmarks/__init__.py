"""litebert against its peers, and against itself; run each, from here, as `python -m benchmarks.NAME`.

finetune         fine-tuning, beside transformers' Trainer
pretrain         updates of pretraining, beside transformers' model
time_to_quality  pretraining until a loss that transformers' recipe reaches
inference        answering, beside transformers, ONNX Runtime and OpenVINO
leaving          answering by exits, beside OpenVINO
tokenizing       text to pieces, beside tokenizers and sentencepiece
corpus           text files to a corpus, on one core and on two
scaling          pretraining in two processes, beside one
together         several tasks on one encoder, beside an encoder for each

What they share: `turns` (sides in processes of their own, one after another), `theirs` (transformers' ALBERT
in our shapes), `answering` (the sides of inference) and `real_texts` (what they read).
What they found is in docs/performance.md.
"""
