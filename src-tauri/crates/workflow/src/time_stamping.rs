//! Time stamps over signatures, from the one server that a person named in Settings.
//!
//! Off while no address is set. This is the only place in the program that opens a connection; it
//! speaks plain HTTP (RFC 3161, 3.4) to that address, once for each signature, and sends a hash and
//! a random number, nothing of the report.

use async_recursion::async_recursion as boxed;
use crate::{WorkflowError, Workstation};
use hilum_export::ExportError;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Key among the settings.
const KEY: &str = "time_stamp";
/// For reaching the server, and again for its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// An address is shown whole in the dialog that asks for it, or a page could say in it what nobody reads there.
const LONGEST_ADDRESS: usize = 200;
/// Answers have some kilobytes.
const LONGEST_ANSWER: usize = 256 << 10;

/// The time-stamp server of this data folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeStampServer {
    /// For example "http://tsa.example.org/tsr"; empty for none.
    pub url: String,
    /// The certificate to which its time stamps must lead, DER in hexadecimal; empty while none was chosen.
    pub certificate: String,
    /// The name in that certificate.
    pub name: String,
}

/// The host at an address, with its port where that is not the usual one.
///
/// # Errors
/// `timestamp.address` for anything but an `http://` address.
pub fn time_stamp_host(url: &str) -> Result<String, WorkflowError> {
    let Address { host, port, .. } = address(url).ok_or(WorkflowError::TimeStampAddress)?;
    Ok(if port == 80 { host } else { format!("{host}:{port}") })
}

/// An address taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    host: String,
    port: u16,
    path: String,
}

impl Workstation {
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn time_stamp_server(&self) -> Result<TimeStampServer, WorkflowError> {
        Ok(self.store()?.setting(KEY).await?.unwrap_or_default())
    }

    /// Sets the server's address; an empty one turns time stamps off. Whether a person wants that server is the caller's to ask.
    ///
    /// # Errors
    /// `timestamp.address` for anything but an `http://` address.
    #[boxed]
    pub async fn set_time_stamp_url(&self, url: &str) -> Result<TimeStampServer, WorkflowError> {
        let url = url.trim().to_owned();
        if !url.is_empty() && address(&url).is_none() {
            return Err(WorkflowError::TimeStampAddress);
        }
        let server = TimeStampServer { url, ..self.time_stamp_server().await? };
        self.change_setting(KEY, &server).await?;
        Ok(server)
    }

    /// Sets the certificate to which time stamps must lead, from a PEM or DER file's bytes.
    ///
    /// # Errors
    /// `cert.unreadable`.
    #[boxed]
    pub async fn set_time_stamp_certificate(&self, file: &[u8]) -> Result<TimeStampServer, WorkflowError> {
        let (der, name) = hilum_export::signature::certificate_of(file)?;
        let server = TimeStampServer { certificate: hex::encode(der), name, ..self.time_stamp_server().await? };
        self.change_setting(KEY, &server).await?;
        Ok(server)
    }
}

impl TimeStampServer {
    /// The certificate in DER.
    pub fn trusted(&self) -> Option<Vec<u8>> {
        hex::decode(&self.certificate).ok().filter(|der| !der.is_empty())
    }

    /// Sends a question and returns the answer; blocks for at most a few times [`PATIENCE`].
    ///
    /// # Errors
    /// `timestamp.unreachable`, with what failed.
    pub fn ask(&self, question: &[u8]) -> Result<Vec<u8>, ExportError> {
        let unreachable = |what: String| ExportError::TimeStampUnreachable(what);
        let address = address(&self.url).ok_or_else(|| unreachable("its address is not one".into()))?;
        post(&address, question).map_err(|e| unreachable(e.to_string()))
    }
}

/// Host, port and path of an `http://` address without a user or a fragment.
fn address(url: &str) -> Option<Address> {
    if url.len() > LONGEST_ADDRESS {
        return None;
    }
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, 80),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let in_path = |c: char| c.is_ascii_graphic() && !matches!(c, '#' | '"' | '<' | '>' | '\\');
    let good = !host.is_empty() && host.chars().all(plain) && path.chars().all(in_path) && port != 0;
    good.then(|| Address { host: host.to_owned(), port, path: format!("/{path}") })
}

fn post(address: &Address, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let failed = |what: &str| std::io::Error::other(what.to_owned());
    let places: Vec<_> = (address.host.as_str(), address.port).to_socket_addrs()?.collect();
    let mut last = failed("the name leads nowhere");
    let mut stream = None;
    for place in places {
        match TcpStream::connect_timeout(&place, PATIENCE) {
            Ok(open) => {
                stream = Some(open);
                break;
            }
            Err(e) => last = e,
        }
    }
    let Some(mut stream) = stream else { return Err(last) };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Address { host, port, path } = address;
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {host}:{port}\r\nContent-Type: application/timestamp-query\r\n\
         Accept: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let (mut answer, mut part, begun) = (Vec::new(), [0_u8; 4096], Instant::now());
    loop {
        match stream.read(&mut part)? {
            0 => break,
            n => answer.extend_from_slice(&part[..n]),
        }
        // A server that sends a byte now and then does not hold the signature up.
        if answer.len() > LONGEST_ANSWER || begun.elapsed() > PATIENCE {
            return Err(failed("the answer is too long or too slow"));
        }
    }
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(|| failed("the answer is not HTTP"))?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned();
    if status != "200" {
        return Err(failed(&format!("the server answered with HTTP status {}", status.escape_default())));
    }
    let is = |line: &str, name: &str, value: &str| {
        line.split_once(':').is_some_and(|(n, v)| n.eq_ignore_ascii_case(name) && v.trim().eq_ignore_ascii_case(value))
    };
    if !lines.clone().any(|line| is(line, "content-type", "application/timestamp-reply")) {
        return Err(failed("the answer is not a time stamp"));
    }
    let body = answer.split_off(end + 4);
    // Some servers answer in parts although HTTP 1.0 was asked for.
    if lines.any(|line| is(line, "transfer-encoding", "chunked")) {
        joined(&body).ok_or_else(|| failed("the answer is cut off"))
    } else {
        Ok(body)
    }
}

/// The parts of a chunked body (RFC 9112, 7.1) put together.
fn joined(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).position(|w| w == b"\r\n")?;
        let size = std::str::from_utf8(&body[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        body = &body[end + 2..];
        if size == 0 {
            return Some(out);
        }
        out.extend(body.get(..size)?);
        body = body.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_addresses_are_taken() {
        let check = |url: &str, expected: Option<(&str, u16, &str)>| {
            let found = address(url);
            assert_eq!(found.as_ref().map(|a| (a.host.as_str(), a.port, a.path.as_str())), expected, "{url}");
        };
        check("http://tsa.example.org", Some(("tsa.example.org", 80, "/")));
        check("http://127.0.0.1:3180/tsr?x=1", Some(("127.0.0.1", 3180, "/tsr?x=1")));
        check("https://tsa.example.org", None);
        check("http://", None);
        check("http://user@host/", None);
        check("http://host:0/", None);
        check("http://host:99999/", None);
        check("http://host/a b", None);
        check("http://host\r\nX: y/", None);
        check("file:///etc/passwd", None);
        let long = |more: usize| format!("http://host/{}", "a".repeat(LONGEST_ADDRESS - "http://host/".len() + more));
        assert!(address(&long(0)).is_some() && address(&long(1)).is_none());
    }

    #[test]
    fn a_host_is_named_with_an_unusual_port() {
        let check =
            |url: &str, expected: Option<&str>| assert_eq!(time_stamp_host(url).ok().as_deref(), expected, "{url}");
        check("http://tsa.example.org/tsr", Some("tsa.example.org"));
        check("http://tsa.example.org:80/tsr", Some("tsa.example.org"));
        check("http://tsa.example.org:3180/%25s", Some("tsa.example.org:3180"));
        check("https://tsa.example.org", None);
        check("", None);
    }

    #[test]
    fn chunks_are_put_together() {
        let check = |body: &[u8], expected: Option<&[u8]>| assert_eq!(joined(body).as_deref(), expected);
        check(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", Some(b"abcde"));
        check(b"0\r\n\r\n", Some(b""));
        check(b"5\r\nabc\r\n", None);
        check(b"ffffffffffffffff\r\nabc", None);
        check(b"", None);
    }
}
