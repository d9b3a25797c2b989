//! The desktop shell.

