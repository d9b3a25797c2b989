//! The store on a real data folder: made, filled, closed, attacked and opened again.

mod attacks;
mod audit;
mod backup;
mod claims;
mod folder;
mod lifecycle;
mod long_worklist;
mod migrations;
mod reading;
mod records;
mod setup;
mod similarity;
mod stages;
mod writing;
