//! The verbs as scripts: each looks at one key and acts on it, and nobody comes in between.

use std::fmt::Write;

use sha1::{Digest, Sha1};

use super::{
    expiry::NEVER_MS,
    form::{ABSOLUTE_AT, ENDED, LIVE, VERSION_AT},
};

/// What the scripts share. Bytes are compared one by one: `<` follows the server's locale.
const SHARED: &str = r"
local key = KEYS[1]
local byte, sub, call = string.byte, string.sub, redis.call

local function later(a, b)
  for i = 1, 8 do
    local x, y = byte(a, i), byte(b, i)
    if x ~= y then return x > y end
  end
  return false
end

local function check(moment)
  local sum = 0
  for i = 1, 8 do sum = sum + byte(moment, i) * (2 * i - 1) end
  return string.char(sum % 256)
end

local function put(value, at)
  if at == '' then call('SET', key, value) else call('SET', key, value, 'PXAT', at) end
end

-- What is there, or 0. If it is to be confirmed it is written once more, as it is: whoever waits
-- for the replicas waits for their own writes alone.
local function there(confirm)
  local value = call('GET', key)
  if not value then return 0 end
  if confirm == '1' then call('SETRANGE', key, 0, sub(value, 1, 1)) end
  return value
end
";

/// `value, at, confirm`
const CREATE: &str = r"
local done
if ARGV[2] == '' then
  done = call('SET', key, ARGV[1], 'NX')
else
  done = call('SET', key, ARGV[1], 'NX', 'PXAT', ARGV[2])
end
if done then return 1 end
return there(ARGV[3])
";

/// `version, value, at, confirm`
const REPLACE: &str = r"
local head = call('GETRANGE', key, 0, $version_end - 1)
if byte(head, 1) == $live and sub(head, $version_at + 1) == ARGV[1] then
  put(ARGV[2], ARGV[3])
  return 1
end
return there(ARGV[4])
";

/// `moment, margin`
const TOUCH: &str = r"
local head = call('GETRANGE', key, 0, $absolute_end - 1)
local idle = sub(head, 2, 9)
if byte(head, 1) ~= $live or #head < $absolute_end or sub(head, 10, 10) ~= check(idle) then
  return there('0')
end
local moment, absolute = ARGV[1], sub(head, $absolute_at + 1)
if later(moment, absolute) then moment = absolute end
if later(moment, idle) then
  call('SETRANGE', key, 1, moment .. check(moment))
  local at = 0
  for i = 1, 8 do at = at * 256 + byte(moment, i) end
  at = at + tonumber(ARGV[2])
  if at < $never then
    call('PEXPIREAT', key, string.format('%.0f', at))
  else
    call('PERSIST', key)
  end
end
return 1
";

/// `tombstone, at, confirm`
const DELETE: &str = r"
local head = call('GETRANGE', key, 0, 9)
local kind = byte(head, 1)
if kind == $live then
  put(ARGV[1], ARGV[2])
  return 1
end
if kind == $ended and check(sub(head, 2, 9)) == sub(head, 10) then
  if later(sub(ARGV[1], 2, 9), sub(head, 2, 9)) then
    put(ARGV[1], ARGV[2])
  else
    there(ARGV[3])
  end
  return 0
end
local value = there(ARGV[3])
if value == 0 then put(ARGV[1], ARGV[2]) end
return value
";

/// `member, since, at, confirm`
const ENTER: &str = r"
local left = call('PTTL', key)
call('ZADD', key, 'GT', ARGV[2], ARGV[1])
if ARGV[3] == '' then
  call('PERSIST', key)
elseif left ~= -1 then
  local now = call('TIME')
  local at = now[1] * 1000 + math.floor(now[2] / 1000) + left
  if left == -2 or at < tonumber(ARGV[3]) then
    call('PEXPIREAT', key, ARGV[3])
  elseif ARGV[4] == '1' then
    call('PEXPIREAT', key, string.format('%.0f', at))
  end
end
return 1
";

/// `since, member or nothing, limit`
const SESSIONS_OF: &str = r"
local function after(a, b)
  for i = 1, #a do
    local x, y = byte(a, i), byte(b, i)
    if x ~= y then return not y or x > y end
  end
  return false
end
local found, at, limit = {}, 0, 2 * tonumber(ARGV[3])
while #found < limit do
  local page = call('ZRANGEBYSCORE', key, ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', at, 256)
  for i = 1, #page, 2 do
    if page[i + 1] ~= ARGV[1] or after(page[i], ARGV[2]) then
      found[#found + 1] = page[i]
      found[#found + 1] = page[i + 1]
      if #found == limit then break end
    end
  end
  if #page < 512 then break end
  at = at + 256
end
return found
";

/// A script, and the name under which a server that has seen it knows it.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) source: String,
    pub(super) sha: String,
}

impl Script {
    fn new(source: &str) -> Self {
        let source = SHARED.to_owned() + source;
        let source = [
            ("$live", usize::from(LIVE)),
            ("$ended", usize::from(ENDED)),
            ("$version_at", VERSION_AT),
            ("$version_end", VERSION_AT + 8),
            ("$absolute_at", ABSOLUTE_AT),
            ("$absolute_end", ABSOLUTE_AT + 8),
            ("$never", usize::try_from(NEVER_MS).unwrap_or(usize::MAX)),
        ]
        .iter()
        .fold(source, |source, (name, number)| source.replace(name, &number.to_string()));
        let sha = Sha1::digest(&source).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self { source, sha }
    }
}

/// All scripts of a store.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) replace: Script,
    pub(super) touch: Script,
    pub(super) delete: Script,
    pub(super) enter: Script,
    pub(super) sessions_of: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            create: Script::new(CREATE),
            replace: Script::new(REPLACE),
            touch: Script::new(TOUCH),
            delete: Script::new(DELETE),
            enter: Script::new(ENTER),
            sessions_of: Script::new(SESSIONS_OF),
        }
    }

    /// Without what makes a guarantee.
    #[cfg(feature = "sabotage")]
    pub(super) fn broken(sabotage: super::Sabotage) -> Self {
        use super::Sabotage;
        let without = |script: &str, part: &str| Script::new(&script.replace(part, ""));
        let right = Self::new();
        match sabotage {
            Sabotage::UpdateWithoutVersion => Self {
                replace: without(REPLACE, " and sub(head, $version_at + 1) == ARGV[1]"),
                ..right
            },
            Sabotage::DeleteWithoutTombstone => {
                Self { delete: Script::new("return call('DEL', key)"), ..right }
            }
            Sabotage::RepeatedDeleteWritesNothing => {
                Self { delete: without(DELETE, "    there(ARGV[3])\n"), ..right }
            }
            Sabotage::TouchKeepsExpiry => Self {
                touch: without(TOUCH, "call('PEXPIREAT', key, string.format('%.0f', at))"),
                ..right
            },
            Sabotage::NeverWait => right,
        }
    }
}
