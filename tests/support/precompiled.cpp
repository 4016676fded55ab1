// Nothing: a library needs a source to have precompiled headers, and this one has those of all test programs.
