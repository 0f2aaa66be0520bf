//! Jinja templates, as a Flask program sees them: MarkupSafe's escaping, `url_for`, `session` and
//! `get_flashed_messages`.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use dewar::{Dict, Flash, Session, Value};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State,
    value::{Kwargs, Value as Shown},
};

use crate::{escape::escape, mount::Mount};

/// The templates of one program and the names of its paths.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    routes: Routes,
}

/// The name and the path of each handler: what `url_for` looks up.
pub type Routes = &'static [(&'static str, &'static str)];

impl Templates {
    /// Takes the name and the source of each template.
    ///
    /// # Panics
    /// If a source is no template: it is part of the program.
    pub fn new(files: &[(&'static str, &'static str)], routes: Routes) -> Self {
        let mut environment = Environment::new();
        environment.set_formatter(write_shown);
        for (name, source) in files {
            let added = environment.add_template(name, source);
            added.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        }
        Self { environment, routes }
    }

    /// Renders a page. A page without a session leaves it unopened.
    ///
    /// # Errors
    /// If the template does, for example for a path that it does not know.
    ///
    /// # Flask
    /// `render_template(name)`
    pub fn render(
        &self,
        name: &str,
        mount: &Mount,
        session: Option<&Session>,
    ) -> Result<Html<String>, TemplateError> {
        let contents = session.map(Session::to_dict).unwrap_or_default();
        let (mount, routes) = (mount.clone(), self.routes);
        let url_for =
            move |endpoint: String, args: Kwargs| url_for(routes, &mount, &endpoint, &args);
        let session = session.cloned();
        let flashes = move |args: Kwargs| flashes(session.as_ref(), &args);
        let context = Shown::from_pairs([
            ("session", shown_dict(&contents)),
            ("url_for", Shown::from_function(url_for)),
            ("get_flashed_messages", Shown::from_function(flashes)),
        ]);
        Ok(Html(self.environment.get_template(name)?.render(context)?))
    }
}

/// A page that could not be rendered. The visitor is told no more than that.
#[derive(Debug)]
pub struct TemplateError(Error);

impl From<Error> for TemplateError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for TemplateError {}

impl IntoResponse for TemplateError {
    fn into_response(self) -> Response {
        eprintln!("{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n").into_response()
    }
}

fn url_for(routes: Routes, mount: &Mount, endpoint: &str, args: &Kwargs) -> Result<String, Error> {
    let route = routes.iter().find(|(name, _)| *name == endpoint);
    let Some((_, path)) = route else {
        let message = format!("no path has the name {endpoint:?}: add it to the routes");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    };
    let mut path = (*path).to_owned();
    for name in args.args() {
        let value: Shown = args.get(name)?;
        path = path.replace(&format!("{{{name}}}"), &value.to_string());
    }
    args.assert_all_used()?;
    Ok(mount.url(&path))
}

/// The messages; with `with_categories=True` as pairs.
fn flashes(session: Option<&Session>, args: &Kwargs) -> Result<Shown, Error> {
    let with_categories: bool = args.get::<Option<bool>>("with_categories")?.unwrap_or_default();
    args.assert_all_used()?;
    let waiting = session.map(Session::flashed_messages).unwrap_or_default();
    let shown = |Flash { category, message, is_markup, .. }: Flash| {
        let message =
            if is_markup { Shown::from_safe_string(message) } else { Shown::from(message) };
        if with_categories { Shown::from(vec![Shown::from(category), message]) } else { message }
    };
    Ok(waiting.into_iter().map(shown).collect())
}

fn shown_dict(dict: &Dict) -> Shown {
    Shown::from_pairs(dict.iter().map(|(key, value)| (key.to_owned(), shown(value))))
}

fn shown(value: &Value) -> Shown {
    match value {
        Value::Null => Shown::from(()),
        Value::Bool(b) => Shown::from(*b),
        Value::Int(i) => Shown::from(*i),
        Value::Str(text) => Shown::from(text.as_str()),
        Value::Markup(html) => Shown::from_safe_string(html.clone()),
        Value::List(items) | Value::Tuple(items) => items.iter().map(shown).collect(),
        Value::Dict(dict) => shown_dict(dict),
        // What Python would print: `1e+20`, `2023-11-14 22:13:20+00:00`.
        other => Shown::from(other.to_python_text()),
    }
}

/// Prints a value as Jinja does: nothing for what is missing, `None`, `True`, and everything else
/// escaped unless it is safe already.
fn write_shown(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Shown,
) -> Result<(), Error> {
    let text = match (value.is_undefined(), value.is_none(), bool::try_from(value.clone())) {
        (true, ..) => return Ok(()),
        (_, true, _) => "None".into(),
        (.., Ok(truth)) => String::from(if truth { "True" } else { "False" }),
        _ => value.to_string(),
    };
    let as_it_is = value.is_safe() || matches!(state.auto_escape(), AutoEscape::None);
    out.write_str(&if as_it_is { text } else { escape(&text) }).map_err(Error::from)
}
