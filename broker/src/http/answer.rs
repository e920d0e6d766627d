//! Answers, each of which ends its connection.

use super::request::Method;
use crate::metrics;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

impl Answer {
    pub(super) fn metrics(body: String) -> Self {
        Self { status: "200 OK", content_type: metrics::CONTENT_TYPE, body }
    }

    pub(super) fn text(status: &'static str, body: String) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body }
    }

    pub(super) fn to_bytes(&self, method: Method) -> Vec<u8> {
        let Self { status, content_type, body } = self;
        // A refusal of a method must say which there are.
        let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        let mut bytes = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{allow}\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            body.len()
        )
        .into_bytes();
        if method == Method::Get {
            bytes.extend_from_slice(body.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_written_to_the_letter_and_a_head_without_its_body() {
        let answer = Answer::text("200 OK", "alive\n".to_owned());
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n\
                    Cache-Control: no-store\r\nConnection: close\r\n\r\n";
        assert_eq!(answer.to_bytes(Method::Head), head.as_bytes());
        assert_eq!(answer.to_bytes(Method::Get), format!("{head}alive\n").as_bytes());
    }
}
