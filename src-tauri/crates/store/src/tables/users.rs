//! The vault's users as rows, so that who wrote and signed stays answerable.

use crate::error::{Doing, Result};
use crate::tables::time_text;
use crate::vault::User;
use sqlx::SqliteConnection;

pub(crate) async fn mirror(connection: &mut SqliteConnection, users: &[User]) -> Result<()> {
    for user in users {
        sqlx::query(
            "INSERT INTO users (id, name, role, created) VALUES (?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role
             WHERE name <> excluded.name OR role <> excluded.role",
        )
        .bind(user.id.as_str())
        .bind(&user.name)
        .bind(user.role.as_str())
        .bind(time_text(user.created)?)
        .execute(&mut *connection)
        .await
        .doing("record the users")?;
    }
    Ok(())
}
