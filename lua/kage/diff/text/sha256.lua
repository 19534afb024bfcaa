--- SHA-256 of any bytes: `vim.fn.sha256` takes no text that holds a NUL.
local bit = require("bit")
local band, bnot, bxor, ror, rshift = bit.band, bit.bnot, bit.bxor, bit.ror, bit.rshift

-- The first 32 bits of the fractions of the roots of the first primes.
local ROUND = {}
local START = {}
do
  local found, number = 0, 2
  local function fraction(root)
    return bit.tobit(math.floor((root % 1) * 2 ^ 32))
  end
  while found < 64 do
    local is_prime = true
    for divisor = 2, math.floor(math.sqrt(number)) do
      is_prime = is_prime and number % divisor ~= 0
    end
    if is_prime then
      found = found + 1
      ROUND[found] = fraction(number ^ (1 / 3))
      if found <= 8 then
        START[found] = fraction(number ^ 0.5)
      end
    end
    number = number + 1
  end
end

---@param bytes string
---@param at integer
---@return integer
local function word(bytes, at)
  local a, b, c, d = bytes:byte(at, at + 3)
  return bit.tobit(a * 2 ^ 24 + b * 2 ^ 16 + c * 2 ^ 8 + d)
end

---@param state integer[] is changed
---@param w integer[] room for 64 words
---@param bytes string
---@param at integer
local function block(state, w, bytes, at)
  for index = 1, 16 do
    w[index] = word(bytes, at + index * 4 - 4)
  end
  for index = 17, 64 do
    local x, y = w[index - 15], w[index - 2]
    local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
    local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
    w[index] = bit.tobit(w[index - 16] + s0 + w[index - 7] + s1)
  end
  local a, b, c, d, e, f, g, h = unpack(state)
  for index = 1, 64 do
    local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
    local choice = bxor(band(e, f), band(bnot(e), g))
    local t1 = h + s1 + choice + ROUND[index] + w[index]
    local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
    local majority = bxor(band(a, b), band(a, c), band(b, c))
    h, g, f, e = g, f, e, bit.tobit(d + t1)
    d, c, b, a = c, b, a, bit.tobit(t1 + s0 + majority)
  end
  for index, value in ipairs({ a, b, c, d, e, f, g, h }) do
    state[index] = bit.tobit(state[index] + value)
  end
end

---@param bytes string
---@return string digest 64 hexadecimal digits
local function digest(bytes)
  if not bytes:find("%z") then
    return vim.fn.sha256(bytes)
  end
  local length = #bytes * 8
  local tail = {}
  for index = 8, 1, -1 do
    tail[index] = string.char(length % 256)
    length = math.floor(length / 256)
  end
  local padded = bytes .. "\128" .. ("\0"):rep((55 - #bytes) % 64) .. table.concat(tail)
  local state, w = { unpack(START) }, {}
  for at = 1, #padded, 64 do
    block(state, w, padded, at)
  end
  return (("%s"):rep(8)):format(unpack(vim.tbl_map(bit.tohex, state)))
end

return digest
