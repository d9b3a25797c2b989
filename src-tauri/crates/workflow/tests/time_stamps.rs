//! How a question reaches a time-stamp server, and what is taken for its answer.

use hilum_workflow::TimeStampServer;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A server on this machine that answers once; gives back what it was sent.
fn serve(answer: &'static [u8]) -> (TimeStampServer, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/tsr", listener.local_addr().expect("its address"));
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a visitor");
        let (mut heard, mut part) = (Vec::new(), [0; 1024]);
        while !heard.ends_with(b"QUESTION") {
            match stream.read(&mut part) {
                Ok(n) if n > 0 => heard.extend_from_slice(&part[..n]),
                _ => break,
            }
        }
        let _ = stream.write_all(answer);
        heard
    });
    (TimeStampServer { url, ..TimeStampServer::default() }, heard)
}

fn check(answer: &'static [u8], expected: Result<&[u8], &str>) {
    let (server, heard) = serve(answer);
    match (server.ask(b"QUESTION"), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(e), Err(words)) => {
            assert_eq!(e.code(), "timestamp.unreachable");
            assert!(e.to_string().contains(words), "{e}");
        }
        (found, expected) => panic!("{found:?}, not {expected:?}"),
    }
    let heard = String::from_utf8(heard.join().expect("the server ends")).expect("text");
    assert!(heard.starts_with("POST /tsr HTTP/1.0\r\n"), "{heard}");
    assert!(heard.contains("\r\nContent-Type: application/timestamp-query\r\n"), "{heard}");
    assert!(heard.contains("\r\nContent-Length: 8\r\n") && heard.ends_with("\r\n\r\nQUESTION"), "{heard}");
}

#[test]
fn an_answer_is_taken_or_refused_with_a_reason() {
    check(b"HTTP/1.0 200 OK\r\nContent-Type: application/timestamp-reply\r\n\r\nANSWER", Ok(b"ANSWER"));
    check(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nANS\r\n3\r\nWER\r\n0\r\n\r\n",
        Ok(b"ANSWER"),
    );
    check(b"HTTP/1.0 503 Busy\r\n\r\n", Err("HTTP status 503"));
    check(b"HTTP/1.0 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", Err("HTTP status 302"));
    check(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", Err("not a time stamp"));
    check(b"SSH-2.0-x\r\n", Err("not HTTP"));
    check(b"", Err("not HTTP"));
}

#[test]
fn a_server_that_is_not_there_is_said_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let start = Instant::now();
    for url in [format!("http://127.0.0.1:{port}/"), "http://".into(), "https://127.0.0.1/".into(), String::new()] {
        let server = TimeStampServer { url: url.clone(), ..TimeStampServer::default() };
        assert_eq!(server.ask(b"QUESTION").expect_err(&url).code(), "timestamp.unreachable");
    }
    assert!(start.elapsed() < Duration::from_secs(30));
}
