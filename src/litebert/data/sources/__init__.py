"""Public data sets by name. One file is one folder of names; one `Source` in it is one set.

To add a set, write `name = Source(task, splits, about)` in a file here: `folder.name` is then its name, and
`folder.name:split` one split. All but the reviews that come with the package lie in the folder that the
environment variable `LITEBERT_DATA` names.

    name                     task            splits              rows
    answers.squad            question-answering  train dev all   4,495 and 1,583 of 12 and 4 articles
    answers.cmrc             question-answering  train dev       3,219 and 1,002: its dev and its trial set
    answers.drcd             question-answering  train dev all   2,829 and 695 of its dev
    answers.qa_srl           question-answering  train test      6,414 and 2,201
    choices.race_middle      choice          train dev           25,421 and 1,436
    choices.race_high        choice          train* dev* all     13,479 of its train
    choices.dream            choice          train dev           6,116 and 2,040
    choices.c3               choice          train dev           11,869 and 3,816
    choices.commonsense      choice          train dev           9,741 and 1,221
    choices.copa             choice          train* dev* all test  500 and 500
    glue.sst2                classification  train dev all       67,349; dev by sentence, see `glue.py`
    glue.cola                classification  train* dev* all     8,551
    glue.mrpc                classification  train dev           3,667 and 408
    glue.rte                 classification  train* dev* all     2,490
    glue.qnli                classification  train* dev* all     5,463 (the official dev)
    glue.stsb                similarity      train dev           5,749 and 1,500
    clue.tnews               classification  train* dev* all     53,360
    clue.afqmc               classification  train dev           34,334 and 4,316
    clue.ocnli               classification  train train_3k dev  9,985, 2,994, 2,950: those with a label
    news.ag                  classification  train* dev* all test  10,001 and 7,600
    questions.trec           classification  train* dev* all test  5,452 and 500; 6 classes
    questions.trec_fine      classification  train* dev* all test  the same; 50 classes
    reviews.imdb             classification  train* dev* all     25,000
    reviews.imdb_stars       regression      train* dev* all     the same; 1 to 10 stars
    reviews.en, .zh, .both   classification  train test          come with the package
    sick.relatedness         similarity      train dev test      4,500, 500 and 4,927
    sick.entailment          classification  train dev test      the same
    entities.conll2003       entities        train dev           14,041 and 3,250 sentences
    entities.ncbi            entities        train dev           5,432 and 923
    entities.bc5cdr          entities        train dev test      4,560, 4,581 and 4,797
    entities.weibo           entities        train dev test      1,350, 270 and 270
    entities.resume          entities        train dev           3,821 and 463
    entities.peoples_daily   entities        train dev test      20,864, 2,318 and 4,636
    entities.msra            entities        dev                 4,636
    entities.cluener         entities        train dev           10,748 and 1,343
    tagging.conll2000        tagging         train* dev* all test  8,936 and 2,012: chunks
    tagging.pos2003          tagging         train dev           14,041 and 3,250: parts of speech
    roles.english            roles           train* dev* all     2,002 sentences of its dev
    roles.chinese            roles           train* dev* all test  500 and 500 sentences
    relations.semeval        relations       train* dev* all     8,000
    multi30k.en_de, .de_en, .en_fr, .fr_en  translation  train dev test test_2017  29,000, 1,014, 1,000, 1,000
    tatoeba.en_zh, .zh_en    translation     train* dev* all     29,155
    summaries.scitldr        summarisation   train dev           1,992 and 619
    summaries.scitldr_sentences  extraction  train dev           the same
    summaries.dialogsum      summarisation   train* dev* all test  500 and 500
    summaries.csl            summarisation   train* dev* all test  1,000 and 1,000
    summaries.bbc            summarisation   train* dev* all     2,225
    summaries.bbc_sentences  extraction      train* dev* all     the same
    code.django              code            train dev           16,000 and 1,000
    code.conala              code            train* dev* all test  2,378 and 500
    code.hearthstone         code            train dev test      533, 66 and 66
    prose.wikitext           generation      train dev           2,498 and 2,946 texts
    stsb.en, stsb.zh         similarity      train dev           5,749 and 1,500
    pairs.afqmc              embedding       train dev           10,573 and 1,338: those that mean the same
    pairs.lcqmc              embedding       train* dev* all     4,402: those that mean the same
    pairs.ocnli              embedding       train dev           3,309 and 947, triples of OCNLI
    ranking.wikiqa           ranking         train dev test      873, 126 and 243 questions
    ranking.trecqa           ranking         train dev raw_dev   93, 65 and 81 questions
    ranking.msmarco          ranking         test                43 queries, 4,102 judgements
    ranking.dbpedia          ranking         test                40 queries, 3,709 judgements
    wikitext.two             fill-mask       dev test            1,841 and 2,183 paragraphs
    zh.chnsenticorp          classification  train dev           9,600 and 1,200
    zh.lcqmc                 classification  train* dev* all     8,802 (the official dev)
    zh.waimai                classification  train* dev* all     11,987

* The set comes without such a split: `dev` is a tenth by the hash of the (first) text, `train` the rest and
`all` the file as it is. Figures on such a `dev` are not those of the official one.
"""
