-- What is checked of a token in nginx's access phase; verified tokens are remembered in an LRU cache of the worker.
local pkey = require "openssl.pkey"
local digest = require "openssl.digest"
local cjson = require "cjson.safe"
local lru = require "resty.lrucache"

local function read(file)
  local handle = io.open(file)
  local text = handle:read("*a")
  handle:close()
  return text
end

local keys = { RS256 = pkey.new(read("@KEYS@/RS256.pem")), ES256 = pkey.new(read("@KEYS@/ES256.pem")) }
local remembered = lru.new(150000)

local function base64url(text)
  text = text:gsub("-", "+"):gsub("_", "/")
  local rest = #text % 4
  if rest > 0 then text = text .. ("="):rep(4 - rest) end
  return ngx.decode_base64(text)
end

-- ECDSA signatures of JWS are two numbers of 32 bytes; OpenSSL wants them in DER.
local function integer(bytes)
  bytes = bytes:gsub("^%z+", "")
  if bytes:byte(1) >= 128 then bytes = "\0" .. bytes end
  return "\2" .. string.char(#bytes) .. bytes
end

local function der(signature)
  local pair = integer(signature:sub(1, 32)) .. integer(signature:sub(33))
  return "\48" .. string.char(#pair) .. pair
end

local function verify(token, alg)
  local header, payload, signature = token:match("^([^.]+)%.([^.]+)%.([^.]+)$")
  if not header then return nil, 401 end
  local head = cjson.decode(base64url(header))
  if not head or head.alg ~= alg then return nil, 401 end
  local hash = digest.new("sha256")
  hash:update(header)
  hash:update(".")
  hash:update(payload)
  local bytes = base64url(signature)
  if not bytes then return nil, 401 end
  if alg == "ES256" then
    if #bytes ~= 64 then return nil, 401 end
    bytes = der(bytes)
  end
  if not keys[alg]:verify(bytes, hash) then return nil, 401 end
  local claims = cjson.decode(base64url(payload))
  if claims.iss ~= "@ISSUER@" or claims.aud ~= "@AUDIENCE@" or claims.exp <= ngx.time() then return nil, 401 end
  if not (" " .. claims.scope .. " "):find(" read:items ", 1, true) then return nil, 403 end
  return claims
end

local M = {}

function M.access(alg, remember)
  local field = ngx.var.http_authorization
  if not field or field:sub(1, 7) ~= "Bearer " then return ngx.exit(401) end
  local token = field:sub(8)
  local claims = remember and remembered:get(token)
  if not claims then
    local status
    claims, status = verify(token, alg)
    if not claims then return ngx.exit(status) end
    if remember then remembered:set(token, claims, claims.exp - ngx.time()) end
  end
  ngx.req.clear_header("Authorization")
  ngx.req.set_header("X-Auth-Subject", claims.sub)
  ngx.req.set_header("X-Auth-Client-Id", claims.client_id)
  ngx.req.set_header("X-Auth-Scope", claims.scope)
end

return M
