//! The store on a real data folder: made, filled, closed, attacked and opened again.

mod lifecycle;
mod setup;
