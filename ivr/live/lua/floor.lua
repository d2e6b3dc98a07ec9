-- What the scripts share; the names (RIPE, LINE, …) stand before it, out of keys.py.
-- KEYS  1 the epoch   2 the prefix of all other names
-- ARGV  1 the expected epoch   2 now, in microseconds since 1970
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'floor_lost' end
local now = tonumber(ARGV[2])

-- A lane is a need, or a JSON list: need, preferred need or "", the one agent it is kept for or "", who may not have it.
local function asked(lane)
  if string.sub(lane, 1, 1) ~= '[' then return lane, '', '', nil end
  local parts = cjson.decode(lane)
  local never = nil
  for _, agent in ipairs(parts[4]) do
    never = never or {}
    never[agent] = true
  end
  return parts[1], parts[2], parts[3], never
end

local function whose(entry)
  return string.match(entry, '^%d+\t([^\t]+)\t')
end

local function fields_of(entry)
  return {string.match(entry, '^(%d+)\t([^\t]+)\t(%d+)\t(%d+)\t(%d+)\t(%x+)$')}
end

-- Note that a lane may be served: ripe holds its first score or a lower one, never a higher.
local function ripen(lane, score)
  redis.call('ZADD', RIPE, 'LT', score, lane)
end

-- Put a ticket where it stands now, and note when that changes.
local function stand(ticket, order, phases)
  local current, coming = nil, nil
  for _, phase in ipairs(phases) do
    if phase[1] <= now then current = phase else coming = phase break end
  end
  if coming then redis.call('ZADD', DUE, coming[1], ticket) else redis.call('ZREM', DUE, ticket) end
  if not current then return end
  local lane, score = current[2], current[3]
  local need, _, only = asked(lane)
  redis.call('ZADD', LINE .. lane, score, order .. '\t' .. ticket)
  redis.call('HSET', STANDING, ticket, order .. '\t' .. lane)
  if only ~= '' then redis.call('SADD', OWN .. only, lane) else redis.call('SADD', LANES .. need, lane) end
  if redis.call('EXISTS', FREE .. need) == 1 then ripen(lane, score) end
end

local function stand_again(ticket)
  local order, phases = string.match(redis.call('HGET', TICKETS, ticket), '^(%d+)\n(.*)$')
  stand(ticket, order, cjson.decode(phases))
end

local function step_out(ticket)
  local standing = redis.call('HGET', STANDING, ticket)
  if not standing then return end
  local order, lane = string.match(standing, '^(%d+)\t(.*)$')
  redis.call('ZREM', LINE .. lane, order .. '\t' .. ticket)
  redis.call('HDEL', STANDING, ticket)
end

local function ripen_lanes(family, name)
  for _, lane in ipairs(redis.call('SMEMBERS', family .. name)) do
    local first = redis.call('ZRANGE', LINE .. lane, 0, 0, 'WITHSCORES')
    if first[1] then ripen(lane, first[2]) else redis.call('SREM', family .. name, lane) end
  end
end

-- A claim leaves its agents' entries where they stand: taking them out of every need they serve can wait until they are
-- met (candidates) or until it is known what becomes of the agent (here).
local function set_busy(agent)
  local entry = redis.call('HGET', AGENTS, agent) or redis.call('HGET', LEFT, agent)
  if not entry then return end
  redis.call('HDEL', AGENTS, agent)
  redis.call('HDEL', LEFT, agent)
  for _, need in ipairs(redis.call('HKEYS', SERVES .. fields_of(entry)[6])) do
    redis.call('ZREM', FREE .. need, entry)
  end
end

local function set_free(agent, entry)
  set_busy(agent)
  redis.call('HSET', AGENTS, agent, entry)
  local fields = fields_of(entry)
  local serves = redis.call('HGETALL', SERVES .. fields[6])
  for i = 1, #serves, 2 do
    redis.call('ZADD', FREE .. serves[i], fields[tonumber(serves[i + 1])], entry)
    ripen_lanes(LANES, serves[i])
  end
  ripen_lanes(OWN, agent)
end

-- Forget a claim; whom it had reserved are neither claimed nor free after it.
local function drop_claim(ticket, claim)
  redis.call('HDEL', CLAIMS, ticket)
  redis.call('ZREM', LAPSES, ticket)
  for _, held in ipairs(claim.agents) do redis.call('HDEL', CLAIMED, held[1]) end
end

local function agents_of(claim)
  local names = {}
  for _, held in ipairs(claim.agents) do names[#names + 1] = held[1] end
  return table.concat(names, '\t')
end
