mod challenges;
mod services;
mod steps;
mod suites;
