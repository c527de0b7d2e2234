"""Many cancellations at once: a lane per account, a pace that is known or learnt, a journal, and resume.

`Countermand.cancel_many` is the way in; see `docs/bulk.md`. What is decided (`run`, `lane`, `pace`, `replay`,
`following`) does no input or output; two thin runners (`blocking`, `eventloop`) and the `journal` do it.
"""
