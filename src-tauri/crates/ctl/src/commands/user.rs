//! `hilumctl user`.

use crate::{
    cli::UserCommand,
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_store::Role;
use serde_json::json;
use std::path::Path;

pub async fn run(command: UserCommand, settings: &Settings) -> Result<()> {
    match command {
        UserCommand::Add { name, by, trainee } => {
            let role = if trainee { Role::Trainee } else { Role::Radiologist };
            add(&name, by.as_deref(), role, settings).await
        }
        UserCommand::Passwd { name } => change_passphrase(&name, settings).await,
        UserCommand::Identity { name, file } => identity(&name, &file, settings).await,
        UserCommand::Recovery { name } => recovery(&name, settings).await,
        UserCommand::List => list(settings),
    }
}

async fn add(name: &str, by: Option<&str>, role: Role, settings: &Settings) -> Result<()> {
    let workstation = session::open(settings, Models::None)?;
    if !workstation.has_users() {
        let passphrase = match settings.new_passphrase()? {
            Some(passphrase) => passphrase,
            None => settings.passphrase()?,
        };
        let first = workstation.create_first_user(name, &passphrase).await;
        // A store that does not close in good order keeps no key back that is shown this once.
        let closed = session::close(&workstation, Ok(())).await;
        let first = first?;
        if settings.json {
            output::json(&json!({ "user": { "id": first.user.id, "name": first.user.name },
                                  "recovery_key": first.recovery_key }));
        } else {
            output::line(format!("added {}", first.user.name));
            output::line(format!("recovery key, shown this once: {}", first.recovery_key));
        }
        return closed;
    }
    let new = settings.new_passphrase()?.ok_or_else(|| {
        Failure::usage("the new user's passphrase is missing: set HILUM_NEW_PASSPHRASE or give --new-passphrase-fd N")
    })?;
    // The folder is let go and taken again by the one place that knows how to unlock.
    drop(workstation);
    let workstation = session::unlock(settings, by, Models::None).await?;
    let added = workstation.add_user_as(name, &new, role).await.map_err(Failure::from);
    let user = session::close(&workstation, added).await?;
    if settings.json {
        output::json(&json!({ "user": { "id": user.id, "name": user.name, "trainee": user.trainee } }));
    } else {
        output::line(format!("added {}", user.name));
    }
    Ok(())
}

async fn change_passphrase(name: &str, settings: &Settings) -> Result<()> {
    let new = settings.new_passphrase()?.ok_or_else(|| {
        Failure::usage("the new passphrase is missing: set HILUM_NEW_PASSPHRASE or give --new-passphrase-fd N")
    })?;
    let old = settings.passphrase()?;
    let workstation = session::unlock(settings, Some(name), Models::None).await?;
    let changed = workstation.change_passphrase(&old, &new).await.map_err(Failure::from);
    session::close(&workstation, changed).await?;
    if settings.json {
        output::json(&json!({ "user": { "name": name } }));
    } else {
        output::line(format!("changed the passphrase of {name}"));
    }
    Ok(())
}

async fn identity(name: &str, file: &Path, settings: &Settings) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|e| Failure::refused("file.read", e.to_string()).about(file))?;
    let password = std::env::var("HILUM_PKCS12_PASSWORD").unwrap_or_default();
    let passphrase = settings.passphrase()?;
    let workstation = session::unlock(settings, Some(name), Models::None).await?;
    let taken = workstation.use_pkcs12(&bytes, &password, &passphrase).await;
    let signer = session::close(&workstation, taken.map_err(|e| Failure::from(e).about(file))).await?;
    if settings.json {
        output::json(&json!({ "user": { "name": name }, "certificate": signer }));
    } else {
        output::line(format!("{name} signs with the certificate of {}", output::plain(&signer)));
    }
    Ok(())
}

async fn recovery(name: &str, settings: &Settings) -> Result<()> {
    let workstation = session::unlock(settings, Some(name), Models::None).await?;
    let renewed = workstation.renew_recovery_key(&settings.passphrase()?).await;
    // A store that does not close in good order keeps no key back whose predecessor opens nothing any more.
    let closed = session::close(&workstation, Ok(())).await;
    let key = renewed?;
    if settings.json {
        output::json(&json!({ "recovery_key": key }));
    } else {
        output::line(format!("recovery key, shown this once: {key}"));
    }
    closed
}

fn list(settings: &Settings) -> Result<()> {
    let folder = settings.data()?;
    let users = hilum_store::users(&folder).map_err(|e| Failure::from(e).about(&folder))?;
    if settings.json {
        let users: Vec<_> = users.iter().map(|u| json!({ "id": u.id, "name": u.name })).collect();
        output::json(&json!({ "users": users }));
    } else {
        users.iter().for_each(|user| output::line(output::plain(&user.name)));
    }
    Ok(())
}
