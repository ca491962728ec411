//! What servers keep of passwords and other secrets, and the files with it.
