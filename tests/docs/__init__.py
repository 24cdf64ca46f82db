"""The docs as a reader types them: every command and sample of README.md and docs/**/*.md is run.

A page needs nothing of its own if its commands work after `make up` with the exports that it prints. Each
page has a folder that looks like a checkout, and one shell, in which its blocks are typed from top to bottom.
What else it needs it says in comments that no reader sees, on lines of their own:

    <!-- run: with PORT=$INTAKE_PORT ID=$COMPLAINT -->   from here on the word PORT is replaced by what the
                                                         shell has for $INTAKE_PORT, in what is typed and run
    <!-- run: first COMMAND -->                          typed before the next block
    <!-- run: save FILE -->                              the next block is written to FILE
    <!-- run: take FILE from docs/PAGE.md -->            FILE, as that page saves it
    <!-- run: exit 1 -->                                 the next block's last command ends with 1;
                                                         `exit 0 1`: with either
    <!-- run: for 20 s -->                               the next block's last command goes on until it gets
                                                         Ctrl-C, here after so long
    <!-- run: elsewhere tests/FILE.py: REASON -->        the next block is not typed here; that test does it
    <!-- run: as LANGUAGE -->                            what the next block is, if its looks deceive: sh,
                                                         json, yaml, http, python, js, text (nothing to do)
    <!-- run: body POST /v1/... -->                      JSON: bodies of that operation
    <!-- run: setting REDRESS_NAME -->                   JSON: a value of that setting
    <!-- run: in SECTION -->                             YAML: a piece of that section of a pack

The shell knows the exports of `make up`, INTAKE_PORT and its like, and COMPLAINT and NUMBER of a complaint on
record. A JSON block right below a command is its answer: keys and types must fit, `...` stands for anything.
In blocks of `$ command` all other lines are what it prints; there `...` stands for the rest of a line, alone
on a line for any lines. YAML is a pack, a calendar, or sections of a pack, unless the page says `as yaml`.
Samples in Python and JavaScript are run, in the page's folder.

Commands that cannot run inside a suite at all stand in `elsewhere.py`, with the reason and the test.
"""
