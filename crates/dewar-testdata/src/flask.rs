//! The real Flask, asked over pipes (`testdata/python/oracle.py` lists the questions).

use std::{
    io::{BufRead, BufReader, BufWriter, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use serde_json::Value as Json;

use crate::tool;

/// A running Python with the real Flask. It ends when this is dropped.
///
/// ```no_run
/// use dewar_testdata::flask::Flask;
/// use serde_json::json;
///
/// let Some(mut flask) = Flask::start() else { return };
/// let session = json!({"t": "dict", "v": [["visits", {"t": "int", "v": "1"}]]});
/// let answer = flask.ask(&json!({"op": "sign", "secret": "s3cret", "value": session}));
/// assert_eq!(answer["json_text"], r#"{"visits":1}"#);
/// ```
#[derive(Debug)]
pub struct Flask {
    python: Child,
    questions: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Flask {
    /// Starts it. `None`, said on the standard error, if no Python is named: see [`tool::find`].
    ///
    /// # Panics
    /// If a Python is named but cannot run Flask, or is missing where nothing may be skipped.
    pub fn start() -> Option<Self> {
        let program = tool::find(tool::PYTHON)?;
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut python = Command::new(&program)
            .arg(script.join("../../testdata/python/oracle.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let questions = python.stdin.take().map(BufWriter::new);
        let answers = BufReader::new(python.stdout.take().expect("the pipe was asked for"));
        let mut flask = Self { python, questions, answers };
        let versions = flask.ask(&serde_json::json!({"op": "versions"}));
        assert!(versions["flask"].is_string(), "{}: {versions}", program.display());
        Some(flask)
    }

    /// Asks one question.
    ///
    /// # Panics
    /// If Python ended, as it does on a question that it does not understand.
    pub fn ask(&mut self, question: &Json) -> Json {
        self.ask_all(std::slice::from_ref(question)).remove(0)
    }

    /// Asks many questions at once: the answers, in the same order, cost one wait, not thousands.
    ///
    /// # Panics
    /// As [`ask`](Self::ask).
    pub fn ask_all(&mut self, questions: &[Json]) -> Vec<Json> {
        let pipe = self.questions.as_mut().expect("open until dropped");
        let answers = &mut self.answers;
        // Written beside the reading: two full pipes would wait for each other.
        thread::scope(|scope| {
            scope.spawn(move || write_lines(pipe, questions));
            questions.iter().map(|question| read_line(answers, question)).collect()
        })
    }
}

impl Drop for Flask {
    fn drop(&mut self) {
        drop(self.questions.take()); // the end of its input ends Python
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}

fn write_lines(pipe: &mut BufWriter<ChildStdin>, questions: &[Json]) {
    for question in questions {
        // A broken pipe shows itself at the reader, which knows the question.
        let _ = writeln!(pipe, "{question}");
    }
    let _ = pipe.flush();
}

fn read_line(answers: &mut impl BufRead, question: &Json) -> Json {
    let mut line = String::new();
    let length = answers.read_line(&mut line).expect("the answer of Flask is text");
    assert!(length > 0, "Flask ended without an answer (its traceback is above) to {question}");
    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in the answer of Flask: {line}"))
}
