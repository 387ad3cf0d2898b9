//! The machine that pickles are written for: a stack, marks, and a memory of what may be needed again.

use super::{Object, Value, text};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// More objects than this are refused.
const MAX_OBJECTS: usize = 1 << 22;

/// More values than this are refused, each time that one is put on the stack or remembered counted.
const MAX_VALUES: usize = 1 << 24;

/// Longer names of what would be called are refused, and longer keys left out: none that is read is as long.
const MAX_NAME: usize = 128;

/// What models of scikit-learn are made of: packages, and of Python itself the few things that hold data. `_loss` is what Cython calls
/// `sklearn._loss._loss`.
const PACKAGES: [&str; 6] = ["sklearn", "numpy", "scipy", "joblib", "pandas", "_loss"];
const DATA: [&str; 9] = ["object", "list", "tuple", "dict", "set", "frozenset", "bytes", "bytearray", "slice"];
const OF_PYTHON: [&str; 7] = [
    "copy_reg._reconstructor",
    "copyreg._reconstructor",
    "_codecs.encode",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "functools.partial",
];

// The opcodes of protocols 2 to 5, as `pickletools` calls them; those before are letters.
const PROTO: u8 = 0x80;
const NEWOBJ: u8 = 0x81;
const TUPLE1: u8 = 0x85;
const TUPLE3: u8 = 0x87;
const NEWTRUE: u8 = 0x88;
const NEWFALSE: u8 = 0x89;
const LONG1: u8 = 0x8a;
const LONG4: u8 = 0x8b;
const SHORT_BINUNICODE: u8 = 0x8c;
const BINUNICODE8: u8 = 0x8d;
const BINBYTES8: u8 = 0x8e;
const EMPTY_SET: u8 = 0x8f;
const ADDITEMS: u8 = 0x90;
const FROZENSET: u8 = 0x91;
const NEWOBJ_EX: u8 = 0x92;
const STACK_GLOBAL: u8 = 0x93;
const MEMOIZE: u8 = 0x94;
const FRAME: u8 = 0x95;
const BYTEARRAY8: u8 = 0x96;

/// All objects of a pickle, and the value that it is.
pub(super) fn run(bytes: &[u8]) -> Result<(Vec<Object>, Value), String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        stack: vec![],
        marks: vec![],
        memo: HashMap::new(),
        objects: vec![],
        arguments: bytes.len(),
        values: MAX_VALUES,
        inside: false,
        kinds: ["tuple", "list", "dict", "set"].map(Rc::from),
    };
    let root = machine.run().map_err(|why| format!("byte {}: {why}", machine.at))?;
    Ok((machine.objects, root))
}

fn too_many() -> String {
    format!("more than {MAX_VALUES} values")
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    objects: Vec<Object>,
    /// How many arguments calls may still have: no more than there are bytes to write them, for one tuple may be of many calls.
    arguments: usize,
    /// How many values may still be put on the stack.
    values: usize,
    /// Whether this is a pickle within one, as joblib keeps arrays of objects. There is none within that.
    inside: bool,
    /// The classes of tuples, lists, dictionaries and sets.
    kinds: [Rc<str>; 4],
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            let opcode = self.byte().map_err(|_| "the pickle ends early")?;
            match opcode {
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.marked()?),
                b'2' => {
                    let top = self.stack.last().cloned().ok_or("the stack is empty")?;
                    self.push(top)?;
                }
                PROTO => match self.byte()? {
                    0..=5 => {}
                    other => return Err(format!("a pickle of protocol {other}, and 0 to 5 are known")),
                },
                // Where frames end says nothing of what is in them.
                FRAME => drop(self.take(8)?),
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.name(module, name)?;
                }
                STACK_GLOBAL => {
                    let (Value::Text(name), Value::Text(module)) = (self.pop()?, self.pop()?) else {
                        return Err("a name that is no text".to_owned());
                    };
                    self.name(&module, &name)?;
                }
                b'R' | NEWOBJ => self.call()?,
                NEWOBJ_EX => {
                    self.pop()?;
                    self.call()?;
                }
                b'b' => self.build()?,
                b'p' | b'q' | b'r' | MEMOIZE => {
                    let key = match opcode {
                        b'p' => self.number()?,
                        b'q' => u64::from(self.byte()?),
                        b'r' => self.little(4)?,
                        _ => self.memo.len() as u64,
                    };
                    let value = self.stack.last().cloned().ok_or("nothing to remember")?;
                    self.values = self.values.checked_sub(1).ok_or_else(too_many)?;
                    self.memo.insert(key, value);
                }
                b'g' | b'h' | b'j' => {
                    let key = match opcode {
                        b'g' => self.number()?,
                        b'h' => u64::from(self.byte()?),
                        _ => self.little(4)?,
                    };
                    let value = self.memo.get(&key).cloned();
                    self.push(value.ok_or_else(|| format!("nothing is remembered as {key}"))?)?;
                }
                b't'
                | b')'
                | TUPLE1..=TUPLE3
                | b'l'
                | b']'
                | b'a'
                | b'e'
                | b'd'
                | b'}'
                | b's'
                | b'u'
                | EMPTY_SET
                | ADDITEMS
                | FROZENSET => self.collect(opcode)?,
                _ => {
                    let value = self.plain(opcode)?;
                    self.push(value)?;
                }
            }
        }
    }

    /// Opcodes of what holds other values.
    fn collect(&mut self, opcode: u8) -> Result<(), String> {
        let [tuple, list, dict, set] = self.kinds.clone();
        match opcode {
            b't' => {
                let items = self.marked()?;
                self.object(tuple, items)
            }
            b')' => self.object(tuple, vec![]),
            TUPLE1..=TUPLE3 => {
                let mut items = vec![];
                for _ in TUPLE1..=opcode {
                    items.insert(0, self.pop()?);
                }
                self.object(tuple, items)
            }
            b'l' => {
                let items = self.marked()?;
                self.object(list, items)
            }
            b']' => self.object(list, vec![]),
            b'a' => {
                let item = self.pop()?;
                self.top()?.items.push(item);
                Ok(())
            }
            b'e' | ADDITEMS => {
                let items = self.marked()?;
                self.top()?.items.extend(items);
                Ok(())
            }
            EMPTY_SET => self.object(set, vec![]),
            FROZENSET => {
                let items = self.marked()?;
                self.object(set, items)
            }
            b'd' => {
                let items = self.marked()?;
                self.object(dict, vec![])?;
                self.set(items)
            }
            b'}' => self.object(dict, vec![]),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![key, value])
            }
            _ => {
                let items = self.marked()?;
                self.set(items)
            }
        }
    }

    /// Opcodes of values that hold no other.
    fn plain(&mut self, opcode: u8) -> Result<Value, String> {
        Ok(match opcode {
            b'N' => Value::None,
            NEWTRUE => Value::Whole(1),
            NEWFALSE => Value::Whole(0),
            b'I' | b'L' => {
                let line = self.line()?;
                let digits = line.strip_suffix('L').unwrap_or(line);
                let digits_only =
                    !digits.is_empty() && digits.trim_start_matches('-').bytes().all(|d| d.is_ascii_digit());
                match digits.parse() {
                    Ok(whole) => Value::Whole(whole),
                    // The states of generators of random numbers are as long as they like.
                    Err(_) if digits_only => Value::Huge,
                    Err(_) => return Err(format!("`{}` is no whole number", line.escape_debug())),
                }
            }
            b'K' => Value::Whole(self.byte()?.into()),
            b'M' => Value::Whole(self.little(2)? as i64),
            b'J' => Value::Whole((self.little(4)? as u32).cast_signed().into()),
            LONG1 | LONG4 => {
                let width = if opcode == LONG1 { 1 } else { 4 };
                let len = self.little(width)?;
                let (at, len) = self.take(len)?;
                match self.bytes[at..at + len] {
                    [] => Value::Whole(0),
                    ref bytes if len <= 8 => {
                        // The sign of the last byte goes on.
                        let fill = if bytes[len - 1] & 0x80 == 0 { 0 } else { 0xff };
                        let mut wide = [fill; 8];
                        wide[..len].copy_from_slice(bytes);
                        Value::Whole(i64::from_le_bytes(wide))
                    }
                    _ => Value::Huge,
                }
            }
            b'F' => {
                let line = self.line()?;
                Value::Number(line.parse().map_err(|_| format!("`{}` is no number", line.escape_debug()))?)
            }
            b'G' => {
                let (at, _) = self.take(8)?;
                let bytes: [u8; 8] = self.bytes[at..at + 8].try_into().expect("eight bytes");
                Value::Number(f64::from_be_bytes(bytes))
            }
            b'V' => Value::Text(text::escaped(self.raw()?)?.into()),
            b'X' | SHORT_BINUNICODE | BINUNICODE8 => {
                let (at, len) = self.sized(match opcode {
                    b'X' => 4,
                    SHORT_BINUNICODE => 1,
                    _ => 8,
                })?;
                let text = std::str::from_utf8(&self.bytes[at..at + len]).map_err(|_| "a text is not UTF-8")?;
                Value::Text(text.into())
            }
            b'B' | b'C' | BINBYTES8 | BYTEARRAY8 => {
                let (at, len) = self.sized(match opcode {
                    b'B' => 4,
                    b'C' => 1,
                    _ => 8,
                })?;
                Value::Bytes { at, len }
            }
            // What Python 2 calls a text is bytes.
            b'S' => Value::Text(text::quoted(self.raw()?)?.into()),
            b'T' | b'U' => {
                let (at, len) = self.sized(if opcode == b'T' { 4 } else { 1 })?;
                Value::Text(self.bytes[at..at + len].iter().map(|&byte| char::from(byte)).collect::<String>().into())
            }
            other => {
                let opcode = char::from(other).escape_default();
                return Err(format!("the opcode `{opcode}` is none that models are written with"));
            }
        })
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        self.values = self.values.checked_sub(1).ok_or_else(too_many)?;
        self.stack.push(value);
        Ok(())
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
        self.objects.push(Object { class, items, entries: BTreeMap::new(), state: None, array: None });
        self.push(Value::Object(self.objects.len() - 1))
    }

    fn top(&mut self) -> Result<&mut Object, String> {
        match self.stack.last() {
            Some(&Value::Object(at)) => Ok(&mut self.objects[at]),
            _ => Err("no object stands where one is changed".to_owned()),
        }
    }

    /// Keys and values into the dictionary on top.
    fn set(&mut self, pairs: Vec<Value>) -> Result<(), String> {
        let object = self.top()?;
        let mut pairs = pairs.into_iter();
        while let Some(key) = pairs.next() {
            let value = pairs.next().ok_or("a key without a value")?;
            if let Value::Text(key) = key
                && key.len() <= MAX_NAME
            {
                object.entries.insert(key, value);
            }
        }
        Ok(())
    }

    /// The name of something that may be called.
    fn name(&mut self, module: &str, name: &str) -> Result<(), String> {
        let whole = format!("{module}.{name}");
        let package = module.split('.').next().unwrap_or_default();
        let of_python = ["builtins", "__builtin__"].contains(&module) && DATA.contains(&name);
        if whole.len() > MAX_NAME || !(PACKAGES.contains(&package) || of_python || OF_PYTHON.contains(&&*whole)) {
            let shown: String = whole.escape_debug().take(MAX_NAME).collect();
            return Err(format!("`{shown}` is nothing that models of scikit-learn are made of"));
        }
        self.push(Value::Name(whole.into()))
    }

    /// What a call would give: what is called, and with what.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let Value::Name(class) = callee else { return Err("a call of what is no name".to_owned()) };
        let items = match arguments {
            Value::Object(at) if &*self.objects[at].class == "tuple" => &self.objects[at].items,
            _ => return Err("a call with what is no tuple".to_owned()),
        };
        self.arguments =
            self.arguments.checked_sub(items.len()).ok_or("calls have more arguments than there are bytes")?;
        let items = items.clone();
        self.object(class, items)
    }

    /// What an object would be set to; after what stands for an array of joblib's, the array itself.
    fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let object = self.top()?;
        let is_array = &*object.class == "joblib.numpy_pickle.NumpyArrayWrapper";
        object.state = Some(state.clone());
        if is_array && !self.inside {
            let array = self.array(&state)?;
            self.top()?.array = Some(array);
        }
        Ok(())
    }

    /// An array as joblib writes it: its items one after the other, at a multiple of sixteen bytes, or a pickle of their own.
    fn array(&mut self, state: &Value) -> Result<Value, String> {
        let wrong = || "an array of joblib's without its form".to_owned();
        let entry = |key: &str| match state {
            Value::Object(at) => self.objects[*at].entries.get(key),
            _ => None,
        };
        let object = |value: Option<&Value>| match value {
            Some(&Value::Object(at)) => Some(&self.objects[at]),
            _ => None,
        };
        let Some(Value::Text(kind)) = object(entry("dtype")).and_then(|dtype| dtype.items.first()) else {
            return Err(wrong());
        };
        if kind.starts_with('O') {
            let outer =
                (std::mem::take(&mut self.stack), std::mem::take(&mut self.marks), std::mem::take(&mut self.memo));
            self.inside = true;
            let array = self.run()?;
            self.inside = false;
            (self.stack, self.marks, self.memo) = outer;
            return Ok(array);
        }
        let width = super::array::width(kind).ok_or_else(wrong)?;
        let shape = object(entry("shape")).ok_or_else(wrong)?;
        let len = shape.items.iter().try_fold(width as u64, |len, size| match size {
            Value::Whole(size) => len.checked_mul(u64::try_from(*size).ok()?),
            _ => None,
        });
        let len = len.ok_or_else(wrong)?;
        if entry("numpy_array_alignment_bytes").is_some_and(|bytes| *bytes != Value::None) {
            self.sized(1)?;
        }
        let (at, len) = self.take(len)?;
        Ok(Value::Bytes { at, len })
    }

    fn byte(&mut self) -> Result<u8, String> {
        let (at, _) = self.take(1)?;
        Ok(self.bytes[at])
    }

    /// Where the next bytes are, which are passed over.
    fn take(&mut self, len: u64) -> Result<(usize, usize), String> {
        let (at, left) = (self.at, self.bytes.len() - self.at);
        let len = usize::try_from(len).ok().filter(|&len| len <= left);
        let len = len.ok_or("more bytes are said than there are")?;
        self.at += len;
        Ok((at, len))
    }

    /// A number of so many bytes, eight at the most.
    fn little(&mut self, width: u64) -> Result<u64, String> {
        let (at, len) = self.take(width)?;
        let mut wide = [0; 8];
        wide[..len].copy_from_slice(&self.bytes[at..at + len]);
        Ok(u64::from_le_bytes(wide))
    }

    /// Bytes after their number, which has so many bytes itself.
    fn sized(&mut self, width: u64) -> Result<(usize, usize), String> {
        let len = self.little(width)?;
        self.take(len)
    }

    fn number(&mut self) -> Result<u64, String> {
        let line = self.line()?;
        line.parse().map_err(|_| format!("`{}` is no place to remember at", line.escape_debug()))
    }
}

impl<'a> Machine<'a> {
    fn raw(&mut self) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("a line has no end")?;
        self.at += end + 1;
        Ok(&rest[..end])
    }

    fn line(&mut self) -> Result<&'a str, String> {
        std::str::from_utf8(self.raw()?).map_err(|_| "a line is not UTF-8".to_owned())
    }
}
