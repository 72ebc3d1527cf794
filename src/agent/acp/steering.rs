//! What prompts are made of, and prompts put into the running turn.
//!
//! The protocol itself has no way to put a prompt into a running turn. Claude's and Codex's adapters offer the extension
//! `_session/steering`, which they say in `_meta.steering` of the answer to `initialize`; asked with `idleBehavior: promptRequired`
//! they leave a prompt alone for which there is no turn any more.

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::id::PromptId;

use super::super::content::{Piece, Prompt, quoted};
use super::super::steer::{self, Wish, missed};
use super::wire::{self, Outcome};
use super::{AcpConversation, Phase, render};

impl AcpConversation {
    /// Reads from the answer to `initialize` what prompts may be made of.
    pub(super) fn read_prompt_capabilities(&mut self, answer: &Value) {
        let offered = |place: &str| wire::offered(answer.pointer(place));
        self.ready.takes_images = offered("/agentCapabilities/promptCapabilities/image");
        self.embeds = offered("/agentCapabilities/promptCapabilities/embeddedContext");
        let steering =
            answer.pointer("/_meta/steering").or_else(|| answer.pointer("/agentCapabilities/_meta/steering"));
        self.ready.can_steer = steering.is_some_and(|steering| wire::offered(steering.get("supported")));
    }

    /// A prompt as content blocks.
    pub(super) fn blocks(&self, prompt: &Prompt) -> Vec<Value> {
        let block = |piece: Piece| match piece {
            Piece::Text(text) => json!({"type": "text", "text": text}),
            Piece::Image { media_type, base64, path } => {
                json!({"type": "image", "mimeType": media_type, "data": base64, "uri": uri(&path)})
            }
            Piece::File { media_type, path, text, .. } if self.embeds => {
                let resource = json!({"uri": uri(&path), "mimeType": media_type, "text": text});
                json!({"type": "resource", "resource": resource})
            }
            Piece::File { name, text, .. } => json!({"type": "text", "text": quoted(&name, &text)}),
        };
        prompt.pieces(self.ready.takes_images).into_iter().map(block).collect()
    }

    /// Puts a prompt into the running turn.
    pub(super) fn on_steer(&mut self, wish: Wish, updates: &mut Vec<Update>) {
        if self.steers.knows(&wish.prompt) {
            return;
        }
        let runs = self.turn.as_ref().is_some_and(|turn| turn.id == wish.turn && !turn.cancelling);
        let comes = self.wanted.as_ref().is_some_and(|(wanted, _)| *wanted == wish.turn);
        if runs && self.ready.can_steer {
            let key = format!("{}{}", steer::KEY, wish.prompt);
            let meta = json!({"steering": {"idleBehavior": "promptRequired"}});
            let params = json!({"sessionId": self.conversation(), "prompt": self.blocks(&wish.content), "_meta": meta});
            let bytes = render::request(&key, "_session/steering", &params);
            updates.push(Update::Write { key, bytes });
        } else if comes && !matches!(self.phase, Phase::Unusable { .. } | Phase::Ended(_)) {
            self.steers.wait(wish);
        } else {
            updates.push(missed(&wish.prompt, "the turn was over before"));
        }
    }

    /// What became of such a prompt.
    pub(super) fn on_steer_answered(&mut self, id: &str, result: Outcome, updates: &mut Vec<Update>) {
        let prompt = PromptId::from(id.strip_prefix(steer::KEY).unwrap_or_default());
        match result {
            Ok(answer) if wire::text(&answer, "outcome") == Some("promptRequired") => {
                self.steers.missed(&prompt, "the turn was over before", updates);
            }
            Ok(_) => self.steers.taken(&prompt, updates),
            Err(error) => self.steers.missed(&prompt, &error.message, updates),
        }
    }
}

fn hex_digit(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}

/// A path as an address.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let mut uri = String::from("file://");
    for byte in path.bytes() {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
    }
    uri
}
