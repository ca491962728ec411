//! Portal, realm and checkers: who a client of a server is, and what it may use.
