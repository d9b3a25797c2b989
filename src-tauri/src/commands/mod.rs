//! What the window can ask, one handler a command. They need no desktop.

pub mod audit;
pub mod backup;
pub mod evidence;
pub mod images;
pub mod models;
pub mod printing;
pub mod reading;
pub mod reports;
pub mod session;
pub mod settings;
pub mod signing;
pub mod signing_key;
pub mod similar;
pub mod studies;
pub mod templates;
pub mod writing;

use crate::dto::AppError;
use hilum_workflow::{Fault, WorkflowError};

impl From<WorkflowError> for AppError {
    fn from(error: WorkflowError) -> AppError {
        AppError { code: error.code(), detail: error.to_string() }
    }
}

impl From<Fault> for AppError {
    fn from(fault: Fault) -> AppError {
        AppError { code: fault.code, detail: fault.detail }
    }
}
