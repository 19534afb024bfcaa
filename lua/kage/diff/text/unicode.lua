--- Text in the encodings that files have, to and from UTF-8, without loss or not at all.
--- UTF-16 and UTF-32 are done here: `vim.iconv` of 0.11 crashes on an odd number of bytes.
local M = {}

---@class kage.Wide
---@field size 2|4 bytes of a unit
---@field big boolean big-endian

-- Neovim's names; without an order they mean big-endian.
---@type table<string, kage.Wide>
local WIDE = {
  ["utf-16"] = { size = 2, big = true },
  ["utf-16be"] = { size = 2, big = true },
  ["utf-16le"] = { size = 2, big = false },
  ["ucs-2"] = { size = 2, big = true },
  ["ucs-2be"] = { size = 2, big = true },
  ["ucs-2le"] = { size = 2, big = false },
  ["ucs-4"] = { size = 4, big = true },
  ["ucs-4be"] = { size = 4, big = true },
  ["ucs-4le"] = { size = 4, big = false },
}

---@param name string
---@return boolean
function M.is_utf8(name)
  return name == "" or name == "utf-8" or name == "utf8"
end

-- How many bytes a character has whose first byte this is.
---@param first integer
---@return integer? count nil where no character begins so
local function length(first)
  if first < 0x80 then
    return 1
  elseif first < 0xc0 or first > 0xfd then
    return nil
  end
  return first < 0xe0 and 2 or first < 0xf0 and 3 or first < 0xf8 and 4 or first < 0xfc and 5 or 6
end

--- Would Neovim take a file of these bytes for UTF-8?
---@param raw string
---@return boolean
function M.valid(raw)
  local at = raw:find("[\128-\255]")
  while at do
    local count = length(raw:byte(at))
    if not count then
      return false
    end
    for index = at + 1, at + count - 1 do
      local byte = raw:byte(index)
      if not byte or byte < 0x80 or byte > 0xbf then
        return false
      end
    end
    at = raw:find("[\128-\255]", at + count)
  end
  return true
end

---@param code integer
---@return string
local function utf8(code)
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xc0 + math.floor(code / 64), 0x80 + code % 64)
  elseif code < 0x10000 then
    return string.char(0xe0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  end
  local low = { 0x80 + math.floor(code / 4096) % 64, 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64 }
  return string.char(0xf0 + math.floor(code / 262144), unpack(low))
end

---@param raw string
---@param wide kage.Wide
---@return string? text nil where the bytes are no text in that encoding
local function from_wide(raw, wide)
  if #raw % wide.size ~= 0 then
    return nil
  end
  local parts, high = {}, nil
  for at = 1, #raw, wide.size do
    local unit = 0
    for offset = 0, wide.size - 1 do
      unit = unit * 256 + raw:byte(wide.big and at + offset or at + wide.size - 1 - offset)
    end
    local low = unit >= 0xdc00 and unit <= 0xdfff
    if unit > 0x10ffff or (high ~= nil) ~= low then
      return nil
    elseif wide.size == 2 and unit >= 0xd800 and unit <= 0xdbff then
      high = unit
    else
      parts[#parts + 1] = utf8(high and (high - 0xd800) * 1024 + unit - 0xdc00 + 0x10000 or unit)
      high = nil
    end
  end
  return high == nil and table.concat(parts) or nil
end

---@param code integer
---@param wide kage.Wide
---@return string
local function unit(code, wide)
  local bytes = {}
  for index = 1, wide.size do
    bytes[wide.big and wide.size + 1 - index or index] = code % 256
    code = math.floor(code / 256)
  end
  return string.char(unpack(bytes))
end

---@param text string
---@param wide kage.Wide
---@return string? raw nil where the text is no UTF-8
local function to_wide(text, wide)
  local parts, at = {}, 1
  while at <= #text do
    local first = text:byte(at)
    local count = length(first)
    if not count or count > 4 or at + count - 1 > #text then
      return nil
    end
    local code = count == 1 and first or first % 2 ^ (7 - count)
    for index = at + 1, at + count - 1 do
      code = code * 64 + text:byte(index) % 64
    end
    if wide.size == 2 and code > 0xffff then
      code = code - 0x10000
      parts[#parts + 1] = unit(0xd800 + math.floor(code / 1024), wide)
      code = 0xdc00 + code % 1024
    end
    parts[#parts + 1], at = unit(code, wide), at + count
  end
  return table.concat(parts)
end

---@param text string
---@param from string
---@param to string
---@return string?
local function iconv(text, from, to)
  -- The newline at the end keeps iconv from meeting half a character there.
  local converted = vim.iconv(text .. "\n", from, to)
  return converted and converted:sub(1, -2) or nil
end

--- The bytes that mean this text.
---@param text string UTF-8
---@param encoding string a value of 'fileencoding'
---@return string? raw nil where the encoding is unknown; a character it lacks becomes another
function M.write(text, encoding)
  if M.is_utf8(encoding) then
    return text
  end
  local wide = WIDE[encoding]
  if wide then
    return to_wide(text, wide)
  end
  return iconv(text, "utf-8", encoding)
end

--- What the bytes mean, when writing that gives the same bytes again.
---@param raw string
---@param encoding string a value of 'fileencoding'
---@return string? text UTF-8
function M.read(raw, encoding)
  local text
  if M.is_utf8(encoding) then
    return M.valid(raw) and raw or nil
  elseif WIDE[encoding] then
    text = from_wide(raw, WIDE[encoding])
  else
    text = iconv(raw, encoding, "utf-8")
  end
  return text and M.write(text, encoding) == raw and text or nil
end

return M
