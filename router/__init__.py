"""Who gets which call: a pure machine; facts with a time go in, orders come out."""
