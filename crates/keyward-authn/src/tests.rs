mod challenges;
mod services;
mod steps;
