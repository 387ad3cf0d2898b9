//! Graphs from their text form.

use super::{Constant, Graph, ValueId};
use crate::diagnostic::{Code, Diagnostic};
use crate::ops::{Attributes, OPS, Op};
use modeldeploy_format::DType;
use std::collections::BTreeMap;

/// Text that is not a graph.
pub const TEXT_ERROR: Code = Code("MD0404");

/// Gives a constant by its name, stored type and shape.
pub type Lookup<'a> = &'a dyn Fn(&str, DType, &[usize]) -> Option<Constant>;

impl Graph {
    /// A graph from its text form; `lookup` has the data of the constants that the text names.
    ///
    /// # Errors
    ///
    /// `MD0404` for the first line that is wrong: it does not parse, reads a value that no line before it computes, names a
    /// constant that `lookup` does not have with that type and shape, or states another type than its operator gives.
    pub fn parse(text: &str, lookup: Lookup<'_>) -> Result<Graph, Diagnostic> {
        let mut graph = Graph::new();
        let mut values = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let wrong = |message: String| Diagnostic::new(TEXT_ERROR, message).at(format!("line {}", number + 1));
            if !graph.outputs.is_empty() {
                return Err(wrong("there is text after the outputs".to_owned()));
            }
            parse_line(&mut graph, &mut values, line, lookup).map_err(wrong)?;
        }
        if graph.outputs.is_empty() {
            return Err(Diagnostic::new(TEXT_ERROR, "the text of a graph has no line `output`"));
        }
        Ok(graph)
    }
}

type Values<'a> = BTreeMap<&'a str, ValueId>;

fn parse_line<'a>(graph: &mut Graph, values: &mut Values<'a>, line: &'a str, lookup: Lookup<'_>) -> Result<(), String> {
    let mut cursor = Cursor(line);
    if cursor.accept("output ") {
        let outputs = cursor.values(values)?;
        cursor.end()?;
        if outputs.is_empty() {
            return Err("no output is named".to_owned());
        }
        graph.set_outputs(outputs);
        return Ok(());
    }
    let label = cursor.label()?;
    cursor.expect("=")?;
    let word = cursor.word()?;
    let id = if word == "constant" {
        parse_constant(graph, &mut cursor, lookup)?
    } else {
        parse_node(graph, &mut cursor, word, values)?
    };
    cursor.end()?;
    match values.insert(label, id) {
        None => Ok(()),
        Some(_) => Err(format!("`%{label}` is computed twice")),
    }
}

fn parse_constant(graph: &mut Graph, cursor: &mut Cursor<'_>, lookup: Lookup<'_>) -> Result<ValueId, String> {
    let name = cursor.quoted()?;
    let dtype = cursor.word()?;
    let dtype =
        DType::ALL.into_iter().find(|d| d.name() == dtype).ok_or_else(|| format!("there is no type `{dtype}`"))?;
    let shape = cursor.bracketed()?;
    let sizes = shape[1..shape.len() - 1].split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape: Vec<usize> =
        sizes.map(|size| size.parse().map_err(|_| format!("`{size}` is no size"))).collect::<Result<_, _>>()?;
    if graph.constants.contains_key(&name) {
        return Err(format!("two constants are named `{name}`"));
    }
    let constant = if dtype == DType::F32 && shape.is_empty() && cursor.accept("=") {
        let value = cursor.0.trim();
        cursor.0 = "";
        Constant::scalar(value.parse().map_err(|_| format!("`{value}` is no number"))?)
    } else {
        let found = lookup(&name, dtype, &shape).ok_or_else(|| format!("there is no constant `{name}`"))?;
        if (found.dtype(), found.shape()) != (dtype, &shape[..]) {
            return Err(format!("the constant `{name}` is {}{:?}, not {dtype}{shape:?}", found.dtype(), found.shape()));
        }
        found
    };
    Ok(graph.constant(&name, constant))
}

fn parse_node(graph: &mut Graph, cursor: &mut Cursor<'_>, word: &str, values: &Values<'_>) -> Result<ValueId, String> {
    let info = OPS.iter().find(|op| op.name == word).ok_or_else(|| format!("there is no operator `{word}`"))?;
    let mut attributes = cursor.attributes()?;
    let op: Op = (info.read)(&mut attributes)?;
    if let Some((key, _)) = attributes.iter().next() {
        return Err(format!("`{word}` has no attribute `{key}`"));
    }
    cursor.expect("(")?;
    let inputs = cursor.values(values)?;
    cursor.expect(")")?;
    let name = if cursor.0.trim_start().starts_with('"') { cursor.quoted()? } else { String::new() };
    let id = graph.add(op, &inputs, name).map_err(|error| error.message)?;
    if cursor.accept(":") {
        let stated = std::mem::take(&mut cursor.0).trim();
        let ty = graph.ty(id).to_string();
        if stated != ty {
            return Err(format!("the value is {ty}, not {stated}"));
        }
    }
    Ok(id)
}

/// What is left of a line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn accept(&mut self, text: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.accept(text) { Ok(()) } else { Err(format!("`{text}` is expected before `{}`", self.0)) }
    }

    fn end(&self) -> Result<(), String> {
        if self.0.trim().is_empty() { Ok(()) } else { Err(format!("`{}` is not expected", self.0)) }
    }

    /// Letters, digits, `_`, `.` and `-`.
    fn word(&mut self) -> Result<&'a str, String> {
        let text = self.0.trim_start();
        let len = text.find(|c: char| !(c.is_alphanumeric() || "_.-".contains(c))).unwrap_or(text.len());
        if len == 0 {
            return Err(format!("a name is expected before `{text}`"));
        }
        self.0 = &text[len..];
        Ok(&text[..len])
    }

    fn label(&mut self) -> Result<&'a str, String> {
        self.expect("%")?;
        self.word()
    }

    /// Values between commas.
    fn values(&mut self, values: &Values<'_>) -> Result<Vec<ValueId>, String> {
        let mut ids = Vec::new();
        while self.0.trim_start().starts_with('%') {
            let label = self.label()?;
            ids.push(*values.get(label).ok_or_else(|| format!("no line before computes `%{label}`"))?);
            if !self.accept(",") {
                break;
            }
        }
        Ok(ids)
    }

    /// A name in quotes, as `text` writes it.
    fn quoted(&mut self) -> Result<String, String> {
        self.expect("\"")?;
        let mut name = String::new();
        let mut chars = self.0.chars();
        loop {
            match chars.next().ok_or("a name in quotes has no end")? {
                '"' => break,
                '\\' => match chars.next() {
                    Some('u') => {
                        let code = chars.as_str().strip_prefix('{').and_then(|rest| rest.split_once('}'));
                        let (code, rest) = code.ok_or("`\\u` lacks its braces")?;
                        let c = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
                        name.push(c.ok_or_else(|| format!("`{code}` is no character"))?);
                        chars = rest.chars();
                    }
                    Some(c @ ('"' | '\\')) => name.push(c),
                    _ => return Err("a `\\` stands before nothing that needs it".to_owned()),
                },
                c => name.push(c),
            }
        }
        self.0 = chars.as_str();
        Ok(name)
    }

    /// From `[` to the next `]`, with both.
    fn bracketed(&mut self) -> Result<&'a str, String> {
        let text = self.0.trim_start();
        let end = text.find(']').filter(|_| text.starts_with('[')).ok_or("a shape in brackets is expected")?;
        self.0 = &text[end + 1..];
        Ok(&text[..=end])
    }

    /// `{key=value, …}`, or nothing. A value is a word or stands in brackets.
    fn attributes(&mut self) -> Result<Attributes, String> {
        let mut attributes = Attributes::default();
        if !self.accept("{") {
            return Ok(attributes);
        }
        loop {
            let key = self.word()?;
            self.expect("=")?;
            let value = if self.0.trim_start().starts_with('[') { self.bracketed()? } else { self.word()? };
            attributes.set(key, value);
            if !self.accept(",") {
                self.expect("}")?;
                return Ok(attributes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Input;

    fn ones(_: &str, dtype: DType, shape: &[usize]) -> Option<Constant> {
        let count = crate::graph::constant::bytes_of(dtype, shape).unwrap();
        Some(Constant::new(dtype, shape.to_vec(), vec![1; count]).unwrap())
    }

    const TEXT: &str = r#"
%0 = constant "a \"table\"\u{a}" bf16[3, 4]
%1 = input{of=token_ids}() "token_ids" : index[tokens]
%2 = gather(%0, %1) "rows" : f32[tokens, 4]
%3 = constant "gamma" f32[4]
%4 = layer_norm{epsilon=1e-12}(%2, %3, %3) "norm" : f32[tokens, 4]
%5 = reshape{shape=[tokens, 2, 2]}(%4) "split" : f32[tokens, 2, 2]
%6 = transpose{axes=[1, 0, 2]}(%5) : f32[2, tokens, 2]
%7 = constant "half" f32[] = -0.5
%8 = mul(%6, %7) : f32[2, tokens, 2]
%9 = reduce_mean{axis=1, keep=true}(%8) : f32[2, 1, 2]
%10 = reshape{shape=[4]}(%9) : f32[4]
output %10
"#;

    #[test]
    fn text_comes_back_as_it_was() {
        let graph = Graph::parse(TEXT, &ones).unwrap();
        graph.verify().unwrap();
        assert_eq!(graph.to_string(), TEXT.trim_start());
        assert_eq!(graph.node(ValueId(0)).name, "a \"table\"\n");
        assert_eq!(graph.node(ValueId(1)).op, Op::from(Input::TokenIds));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let check = |text: &str, place: &str, want: &str| {
            let error =
                Graph::parse(text, &|name, d, s| if name == "none" { None } else { ones(name, d, s) }).unwrap_err();
            assert_eq!(error.code, TEXT_ERROR, "{text}");
            assert_eq!(error.place.as_deref().unwrap_or(""), place, "{text}");
            assert!(error.message.contains(want), "{text}: {}", error.message);
        };
        check("", "", "no line `output`");
        check("%0 = dance()", "line 1", "no operator `dance`");
        check("%0 = constant \"none\" f32[2]", "line 1", "no constant `none`");
        check("%0 = constant \"a\" f64[2]", "line 1", "no type `f64`");
        check("%0 = constant \"a\" f32[2\noutput %0", "line 1", "brackets");
        check("%0 = constant \"a f32[2]\noutput %0", "line 1", "no end");
        check("%0 = constant \"a\" f32[x]\noutput %0", "line 1", "no size");
        check("%0 = constant \"a\" f32[] = one\noutput %0", "line 1", "no number");
        check("%0 = constant \"a\" f32[2]\n%1 = constant \"a\" f32[2]", "line 2", "two constants");
        check("%0 = add(%1, %2)", "line 1", "no line before");
        check("%0 = constant \"a\" f32[2]\n%1 = gelu{tan=true}(%0)", "line 2", "no attribute `tan`");
        check("%0 = constant \"a\" f32[2]\n%1 = gelu{tanh=maybe}(%0)", "line 2", "cannot be");
        check("%0 = constant \"a\" f32[2]\n%1 = slice{axis=0}(%0)", "line 2", "`start` is missing");
        check("%0 = constant \"a\" f32[2]\n%1 = gelu(%0) : f32[3]", "line 2", "not f32[3]");
        check("%0 = constant \"a\" f32[2]\n%0 = gelu(%0)", "line 2", "twice");
        check("%0 = constant \"a\" f32[2]\n%1 = gelu(%0) then", "line 2", "not expected");
        check(
            "%0 = constant \"a\" f32[2]\n%1 = constant \"b\" f32[3]\n%2 = add(%0, %1)",
            "line 3",
            "do not go together",
        );
        check("%0 = constant \"a\" f32[2]\noutput %0\noutput %0", "line 3", "after the outputs");
        check("output ", "line 1", "`%` is expected");
    }

    #[test]
    fn a_constant_of_another_shape_is_refused() {
        let text = "%0 = constant \"a\" f32[2]\noutput %0";
        let error = Graph::parse(text, &|_, _, _| Some(Constant::f32([3], &[0.0; 3]))).unwrap_err();
        assert_eq!(error.message, "the constant `a` is f32[3], not f32[2]");
    }
}
