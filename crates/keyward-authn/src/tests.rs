mod challenges;
mod steps;
