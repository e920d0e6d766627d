//! The load generator against real brokers: through restarts, over two hosts' echo, with each scenario that comes with it.

mod comparing;
mod echo;
mod place;
mod restarts;
mod scenarios;
mod searching;
mod silent;
