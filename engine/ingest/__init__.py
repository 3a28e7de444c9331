"""Files go in, postings in the ledger come out."""
