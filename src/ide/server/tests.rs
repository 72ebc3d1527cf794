use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{LONGEST, Talk, run, same};
use crate::host::port::EditorDoor;
use crate::model::Refusal;
use crate::model::editor::{EditorQuestion, Mention, Selection};

const WITHIN: Duration = Duration::from_secs(20);

type Question = (EditorQuestion, oneshot::Sender<Result<Value, Refusal>>);

/// Editors as the test plays them.
struct Editors {
    asked: mpsc::UnboundedSender<Question>,
    selection: watch::Sender<Option<Selection>>,
    mentions: broadcast::Sender<Mention>,
    listening: Arc<Mutex<u32>>,
}

struct Listening(Arc<Mutex<u32>>);

impl Drop for Listening {
    fn drop(&mut self) {
        *self.0.lock().unwrap() -= 1;
    }
}

#[async_trait]
impl EditorDoor for Editors {
    async fn ask(&self, question: EditorQuestion) -> Result<Value, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.asked.send((question, reply)).unwrap();
        answer.await.unwrap_or_else(|_| Err(Refusal::conflict("no editor shows this session's worktree")))
    }

    fn selection(&self) -> watch::Receiver<Option<Selection>> {
        self.selection.subscribe()
    }

    fn mentions(&self) -> broadcast::Receiver<Mention> {
        self.mentions.subscribe()
    }

    fn listens(&self) -> Box<dyn Send + Sync> {
        *self.listening.lock().unwrap() += 1;
        Box::new(Listening(Arc::clone(&self.listening)))
    }
}

struct Stage {
    address: SocketAddr,
    asked: mpsc::UnboundedReceiver<Question>,
    editors: Arc<Editors>,
    server: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn stage() -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ask, asked) = mpsc::unbounded_channel();
    let editors = Arc::new(Editors {
        asked: ask,
        selection: watch::Sender::new(None),
        mentions: broadcast::Sender::new(4),
        listening: Arc::default(),
    });
    let talk = Talk { token: "secret".to_owned(), worktree: "/r/one".to_owned(), door: editors.clone() };
    let server = tokio::spawn(run(listener, Arc::new(talk)));
    Stage { address, asked, editors, server }
}

impl Stage {
    async fn knock(&self, headers: &[(&'static str, &str)]) -> Result<Agent, Error> {
        let mut request = format!("ws://{}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        Ok(Agent(timeout(WITHIN, client_async(request, stream)).await.unwrap()?.0))
    }

    async fn agent(&self) -> Agent {
        let mut agent =
            self.knock(&[(super::TOKEN_HEADER, "secret"), ("sec-websocket-protocol", "mcp")]).await.unwrap();
        agent.send(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {} })).await;
        assert_eq!(agent.next().await.unwrap()["result"]["serverInfo"]["name"], "divisi");
        agent.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        agent.send(&json!({ "jsonrpc": "2.0", "id": "heard", "method": "ping" })).await;
        assert_eq!(agent.next().await.unwrap()["id"], "heard");
        agent
    }
}

struct Agent(WebSocketStream<TcpStream>);

impl Agent {
    async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn call(&mut self, id: i64, tool: &str, arguments: Value) {
        let params = json!({ "name": tool, "arguments": arguments });
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })).await;
    }

    async fn next(&mut self) -> Option<Value> {
        match timeout(WITHIN, self.0.next()).await.expect("an answer in time")? {
            Ok(Message::Text(text)) => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        }
    }
}

fn diff(tab: &str) -> Value {
    json!({ "old_file_path": "/r/one/a", "new_file_path": "/r/one/a", "new_file_contents": "new", "tab_name": tab })
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["result"]["content"].as_array().unwrap().iter().map(|text| text["text"].as_str().unwrap()).collect()
}

async fn refused(stage: &Stage, headers: &[(&'static str, &str)]) -> u16 {
    match stage.knock(headers).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn only_who_has_the_token_and_is_no_browser_is_let_in() {
    let stage = stage().await;
    let token = (super::TOKEN_HEADER, "secret");
    assert_eq!(refused(&stage, &[]).await, 401);
    assert_eq!(refused(&stage, &[(super::TOKEN_HEADER, "")]).await, 401);
    assert_eq!(refused(&stage, &[(super::TOKEN_HEADER, "secre")]).await, 401);
    assert_eq!(refused(&stage, &[(super::TOKEN_HEADER, "Secret")]).await, 401);
    assert_eq!(refused(&stage, &[token, ("origin", "http://127.0.0.1")]).await, 403);
    assert_eq!(refused(&stage, &[token, ("host", "example.org")]).await, 403);
    stage.agent().await;
    assert!(same(b"", b"") && !same(b"a", b"b") && !same(b"a", b"aa"));
}

#[tokio::test]
async fn a_diff_waits_for_a_person_and_is_taken_back_when_its_tab_is_closed() {
    let mut stage = stage().await;
    let mut agent = stage.agent().await;
    agent.call(1, "openDiff", diff("first")).await;
    let (question, reply) = stage.asked.recv().await.unwrap();
    assert_eq!(question, EditorQuestion::ReviewDiff { path: "/r/one/a".to_owned(), text: "new".to_owned() });
    agent.send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" })).await;
    assert_eq!(agent.next().await.unwrap()["id"], 2, "others are answered meanwhile");
    reply.send(Ok(json!({ "accepted": "newer" }))).unwrap();
    let answer = agent.next().await.unwrap();
    assert_eq!((answer["id"].as_i64(), texts(&answer)), (Some(1), vec!["FILE_SAVED", "newer"]));

    agent.call(3, "openDiff", diff("second")).await;
    let (_, mut reply) = stage.asked.recv().await.unwrap();
    agent.call(4, "close_tab", json!({ "tab_name": "another" })).await;
    assert_eq!(agent.next().await.unwrap()["id"], 4, "of another tab");
    agent.call(5, "close_tab", json!({ "tab_name": "second" })).await;
    let (undecided, closed) = (agent.next().await.unwrap(), agent.next().await.unwrap());
    assert_eq!((undecided["id"].as_i64(), undecided["result"]["isError"].as_bool()), (Some(3), Some(true)));
    assert_eq!(texts(&closed), ["TAB_CLOSED"]);
    timeout(WITHIN, reply.closed()).await.expect("the editor is not asked any more");

    agent.call(6, "openDiff", diff("third")).await;
    let (_, mut reply) = stage.asked.recv().await.unwrap();
    agent.call(7, "closeAllDiffTabs", json!({})).await;
    agent.next().await.unwrap();
    assert_eq!(texts(&agent.next().await.unwrap()), ["CLOSED_1_DIFF_TABS"]);
    timeout(WITHIN, reply.closed()).await.expect("the editor is not asked any more");
}

#[tokio::test]
async fn an_agent_that_goes_takes_its_questions_with_it() {
    let mut stage = stage().await;
    let mut agent = stage.agent().await;
    assert_eq!(*stage.editors.listening.lock().unwrap(), 1);
    agent.call(1, "openDiff", diff("first")).await;
    let (_, mut reply) = stage.asked.recv().await.unwrap();
    agent.call(2, "openDiff", diff("second")).await;
    let (_, mut cancelled) = stage.asked.recv().await.unwrap();
    let params = json!({ "requestId": 2 });
    agent.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })).await;
    timeout(WITHIN, cancelled.closed()).await.expect("cancelled by the protocol");
    assert!(!reply.is_closed());
    drop(agent);
    timeout(WITHIN, reply.closed()).await.expect("the connection broke");
    let listening = Arc::clone(&stage.editors.listening);
    timeout(WITHIN, async {
        while *listening.lock().unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("nobody listens any more");
}

#[tokio::test]
async fn selections_and_mentions_are_told_and_asked_for() {
    let mut stage = stage().await;
    let mut agent = stage.agent().await;
    let selection = Selection { path: "/r/one/a".to_owned(), text: "word".to_owned(), ..Selection::default() };
    stage.editors.selection.send_replace(Some(selection));
    let told = agent.next().await.unwrap();
    assert_eq!((&told["method"], &told["params"]["text"]), (&json!("selection_changed"), &json!("word")));
    agent.call(1, "getLatestSelection", json!({})).await;
    let mut late = stage.knock(&[(super::TOKEN_HEADER, "secret")]).await.unwrap();
    late.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    assert_eq!(late.next().await.unwrap()["params"]["text"], "word", "what is selected already is told at once");
    let latest: Value = serde_json::from_str(texts(&agent.next().await.unwrap())[0]).unwrap();
    assert_eq!((&latest["success"], &latest["text"]), (&json!(true), &json!("word")));
    stage.editors.mentions.send(Mention { path: "/r/one/b".to_owned(), lines: Some((1, 2)) }).unwrap();
    let told = agent.next().await.unwrap();
    assert_eq!(told["params"], json!({ "filePath": "/r/one/b", "lineStart": 1, "lineEnd": 2 }));
    agent.call(2, "getDiagnostics", json!({})).await;
    drop(stage.asked.recv().await.unwrap());
    assert_eq!(texts(&agent.next().await.unwrap()), ["[]"], "without an editor nothing is known to be wrong");
    agent.call(3, "getOpenEditors", json!({})).await;
    drop(stage.asked.recv().await.unwrap());
    let answer = agent.next().await.unwrap();
    assert_eq!(answer["result"]["isError"], true);
    assert!(texts(&answer)[0].contains("no editor"), "{answer}");
}

#[tokio::test]
async fn garbage_and_what_is_too_long_ends_at_most_its_own_connection() {
    let stage = stage().await;
    let mut agent = stage.agent().await;
    agent.0.send(Message::text("{ not json")).await.unwrap();
    assert_eq!(agent.next().await.unwrap()["error"]["code"], -32700);
    agent.0.send(Message::binary(vec![0_u8; 10])).await.unwrap();
    assert_eq!(agent.next().await.unwrap()["error"]["code"], -32600);
    for id in 0..=super::CALLS {
        agent.call(i64::try_from(id).unwrap(), "openDiff", diff(&format!("tab {id}"))).await;
    }
    let refused = agent.next().await.unwrap();
    assert!(texts(&refused)[0].contains("too many"), "{refused}");

    let mut greedy = stage.agent().await;
    let huge = Message::text("x".repeat(LONGEST + 1));
    // It is cut off in the middle of it, or told right after.
    if greedy.0.send(huge).await.is_ok() {
        assert_eq!(greedy.next().await, None);
    }
    let mut raw = TcpStream::connect(stage.address).await.unwrap();
    raw.write_all(b"\x16\x03\x01 this is no request\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Closed, with or without a word.
    let _ = timeout(WITHIN, raw.read_to_end(&mut answer)).await.expect("it is closed");
    agent.send(&json!({ "jsonrpc": "2.0", "id": "alive", "method": "ping" })).await;
    assert_eq!(agent.next().await.unwrap()["id"], "alive");
    stage.agent().await;
}
