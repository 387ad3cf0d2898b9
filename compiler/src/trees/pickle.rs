//! Pickles of protocol 0 as data: what a pickle would call is written down, never called.
//!
//! The opcodes are those of Python's `pickletools`; only those that protocol 0 of old scikit-learn needs are known, and a pickle
//! of any other protocol is refused. What a call would give is an [`Object`], with the name of what is called and its arguments.

use std::collections::BTreeMap;
use std::rc::Rc;

/// More objects than this are refused.
const MAX_OBJECTS: usize = 1 << 22;

/// More items than this in a tuple are refused: a call takes its arguments over, and may be made of one tuple again and again.
const MAX_TUPLE: usize = 64;

/// A value of a pickle, which is as small as it looks: what may be large, or within itself, is the number of an [`Object`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Whole(i64),
    Number(f64),
    /// Characters up to 255 stand for bytes where numpy keeps its arrays.
    Text(Rc<str>),
    Name(Rc<str>),
    Object(usize),
}

/// A tuple, a list, a dictionary, or what a call would give.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    /// What would be called, as `module.name`; `tuple`, `list` and `dict` themselves.
    pub(super) class: Rc<str>,
    /// The call's arguments, or the items.
    pub(super) items: Vec<Value>,
    /// The dictionary's entries whose keys are texts.
    pub(super) entries: BTreeMap<String, Value>,
    /// What the object would be set to.
    pub(super) state: Option<Value>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    pub(super) root: Value,
}

impl Pickle {
    pub(super) fn parse(bytes: &[u8]) -> Result<Pickle, String> {
        let mut machine = Machine {
            bytes,
            at: 0,
            stack: vec![],
            marks: vec![],
            memo: BTreeMap::new(),
            objects: vec![],
            calls: bytes.len(),
        };
        let root = machine.run().map_err(|why| format!("byte {}: {why}", machine.at))?;
        Ok(Pickle { objects: machine.objects, root })
    }

    pub(super) fn object(&self, value: &Value) -> Option<&Object> {
        match value {
            Value::Object(at) => self.objects.get(*at),
            _ => None,
        }
    }

    /// The items of a tuple.
    pub(super) fn tuple(&self, value: &Value) -> Option<&[Value]> {
        self.object(value).filter(|object| &*object.class == "tuple").map(|object| object.items.as_slice())
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: BTreeMap<String, Value>,
    objects: Vec<Object>,
    /// How many arguments calls may still have: no more than there are bytes to write them.
    calls: usize,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            let opcode = *self.bytes.get(self.at).ok_or("the pickle ends early")?;
            self.at += 1;
            match opcode {
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b't' => {
                    let items = self.marked()?;
                    if items.len() > MAX_TUPLE {
                        return Err(format!("a tuple of more than {MAX_TUPLE} items"));
                    }
                    self.object("tuple".into(), items)?;
                }
                b'l' => {
                    let items = self.marked()?;
                    self.object("list".into(), items)?;
                }
                b'd' => {
                    let items = self.marked()?;
                    self.object("dict".into(), vec![])?;
                    for pair in items.chunks(2) {
                        let [key, value] = pair else { return Err("a key without a value".to_owned()) };
                        self.set(key.clone(), value.clone())?;
                    }
                }
                b'a' => {
                    let item = self.pop()?;
                    self.top()?.items.push(item);
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(key, value)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.stack.push(Value::Name(format!("{module}.{name}").into()));
                }
                b'R' => {
                    let (arguments, callee) = (self.pop()?, self.pop()?);
                    let Value::Name(class) = callee else { return Err("a call of what is no name".to_owned()) };
                    let items = match arguments {
                        Value::Object(at) if &*self.objects[at].class == "tuple" => self.objects[at].items.clone(),
                        _ => return Err("a call with what is no tuple".to_owned()),
                    };
                    self.calls =
                        self.calls.checked_sub(items.len()).ok_or("calls have more arguments than there are bytes")?;
                    self.object(class, items)?;
                }
                b'b' => {
                    let state = self.pop()?;
                    self.top()?.state = Some(state);
                }
                b'p' => {
                    let key = self.line()?;
                    let value = self.stack.last().cloned().ok_or("nothing to remember")?;
                    self.memo.insert(key, value);
                }
                b'g' => {
                    let key = self.line()?;
                    let value =
                        self.memo.get(&key).cloned().ok_or_else(|| format!("nothing is remembered as {key}"))?;
                    self.stack.push(value);
                }
                b'N' => self.stack.push(Value::None),
                b'I' | b'L' => {
                    let line = self.line()?;
                    let digits = line.strip_suffix('L').unwrap_or(&line);
                    let whole = digits.parse().map_err(|_| format!("`{line}` is no whole number of 64 bits"))?;
                    self.stack.push(Value::Whole(whole));
                }
                b'F' => {
                    let line = self.line()?;
                    let number = line.parse().map_err(|_| format!("`{line}` is no number"))?;
                    self.stack.push(Value::Number(number));
                }
                b'V' => {
                    let text = self.unicode()?;
                    self.stack.push(Value::Text(text.into()));
                }
                other => {
                    let opcode = char::from(other).escape_default();
                    return Err(format!("`{opcode}` is no opcode of protocol 0 that is read here"));
                }
            }
        }
    }

    fn pop(&mut self) -> Result<Value, String> {
        if self.marks.last() == Some(&self.stack.len()) {
            return Err("nothing stands above the mark".to_owned());
        }
        self.stack.pop().ok_or_else(|| "the stack is empty".to_owned())
    }

    fn marked(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("there is no mark")?;
        Ok(self.stack.split_off(mark))
    }

    fn object(&mut self, class: Rc<str>, items: Vec<Value>) -> Result<(), String> {
        if self.objects.len() == MAX_OBJECTS {
            return Err(format!("more than {MAX_OBJECTS} objects"));
        }
        self.objects.push(Object { class, items, entries: BTreeMap::new(), state: None });
        self.stack.push(Value::Object(self.objects.len() - 1));
        Ok(())
    }

    fn top(&mut self) -> Result<&mut Object, String> {
        match self.stack.last() {
            Some(&Value::Object(at)) => Ok(&mut self.objects[at]),
            _ => Err("no object stands where one is changed".to_owned()),
        }
    }

    fn set(&mut self, key: Value, value: Value) -> Result<(), String> {
        let object = self.top()?;
        if let Value::Text(key) = key {
            object.entries.insert(key.to_string(), value);
        }
        Ok(())
    }

    fn raw(&mut self) -> Result<&[u8], String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("a line has no end")?;
        self.at += end + 1;
        Ok(&rest[..end])
    }

    fn line(&mut self) -> Result<String, String> {
        std::str::from_utf8(self.raw()?).map(str::to_owned).map_err(|_| "a line is not UTF-8".to_owned())
    }

    /// Python's raw-unicode-escape: bytes are Latin-1, but for `\u` and four digits.
    fn unicode(&mut self) -> Result<String, String> {
        let bytes = self.raw()?;
        let (mut text, mut at) = (String::with_capacity(bytes.len()), 0);
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\u") {
                let digits = bytes.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                text.push(code.and_then(char::from_u32).ok_or("an escape is no character")?);
                at += 6;
            } else {
                text.push(char::from(bytes[at]));
                at += 1;
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_written_down_and_never_made() {
        let pickle = Pickle::parse(b"cposix\nsystem\np0\n(Vecho \xe9\\u005c\np1\ntp2\nRp3\n.").expect("a pickle");
        let object = pickle.object(&pickle.root).expect("what the call would give");
        assert_eq!((&*object.class, &object.items), ("posix.system", &vec![Value::Text("echo é\\".into())]));
    }

    #[test]
    fn what_is_no_such_pickle_is_refused() {
        for (wrong, said) in [
            (&b""[..], "ends early"),
            (b".", "the stack is empty"),
            (b"(.", "nothing stands above the mark"),
            (b"t.", "there is no mark"),
            (b"I1\nI2\nb.", "no object stands"),
            (b"cposix\nsystem\nI2\nR.", "no tuple"),
            (b"I1\n(tR.", "no name"),
            (b"g7\n.", "nothing is remembered as 7"),
            (b"I99999999999999999999\n.", "64 bits"),
            (b"V\\u00\n.", "escape"),
            (b"\x80\x04.", "no opcode of protocol 0"),
            (b"(I1\nd.", "a key without a value"),
            (b"I1\nI2\na.", "no object stands"),
            (b"cA\nB\np0\n(NNNNNNNNNNNNNNNNNNNNtp1\nRg0\ng1\nRg0\ng1\nR.", "more arguments than there are bytes"),
        ] {
            let outcome = Pickle::parse(wrong);
            assert!(outcome.as_ref().is_err_and(|error| error.contains(said)), "{said}: {outcome:?}");
        }
    }
}
