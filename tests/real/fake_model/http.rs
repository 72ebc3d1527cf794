//! As much HTTP/1.1 as model clients use.

use std::io::{BufRead, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use serde_json::Value;

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// Reads a request; nothing when the client is done.
pub(super) fn read(reader: &mut impl BufRead) -> Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(Error::new(ErrorKind::InvalidData, "not a request line"));
    };
    let (mut length, mut chunked) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or_default(),
            "transfer-encoding" => chunked = value.contains("chunked"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    while chunked {
        line.clear();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16).unwrap_or_default();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        chunked = size > 0;
        body.extend_from_slice(&chunk[..size]);
    }
    Ok(Some(Request { method, path, body }))
}

/// The answer to one request.
pub(super) struct Reply<'a> {
    stream: &'a TcpStream,
    /// Nothing comes after the first piece of text: the client has to break it off.
    pub(super) hang_after_first: bool,
    /// The connection cannot be used again.
    pub(super) closed: bool,
}

impl<'a> Reply<'a> {
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self { stream, hang_after_first: false, closed: false }
    }

    /// No body.
    pub(super) fn empty(&mut self) -> Result<()> {
        self.stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    }

    /// A whole JSON document.
    pub(super) fn json(&mut self, status: u16, value: &Value) -> Result<()> {
        let body = value.to_string();
        let head = format!(
            "HTTP/1.1 {status} Fake\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body.as_bytes())
    }

    /// Begins a stream of events.
    pub(super) fn begin(&mut self) -> Result<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
        self.stream.write_all(head.as_bytes())
    }

    /// One event.
    pub(super) fn event(&mut self, name: Option<&str>, data: &str) -> Result<()> {
        let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        let event = format!("{name}data: {data}\n\n");
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        self.stream.write_all(chunk.as_bytes())
    }

    /// Ends the stream of events.
    pub(super) fn end(&mut self) -> Result<()> {
        self.stream.write_all(b"0\r\n\r\n")
    }

    /// Waits until the client breaks off.
    pub(super) fn hang(&mut self) -> Result<()> {
        self.closed = true;
        let mut rest = [0; 1024];
        let mut stream = self.stream;
        while stream.read(&mut rest)? > 0 {}
        Ok(())
    }
}
