-- The first tickets that somebody free may serve, and the first of those who may serve them.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 lanes at most   4 tickets a lane   5 agents a lane
-- Says  more (ask again: only tidying was done) | floor_lost | lines:
--       B score      nothing left out comes before this
--       L lane       then, of this lane:
--       T score, tab, order, tab, ticket      (X the same: the next one, which bounds what may be chosen)
--       A entry of an agent
local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', ARGV[2], 'LIMIT', 0, 100)
for _, ticket in ipairs(due) do
  if redis.call('HEXISTS', CLAIMS, ticket) == 1 then
    redis.call('ZREM', DUE, ticket)  -- release looks at the time itself
  else
    step_out(ticket)
    stand_again(ticket)
  end
end
if #due == 100 then return 'more' end

local lanes, tickets, agents = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

-- The first so many free agents of a need, without those who may not have the ticket. Entries of the claimed go.
local function free_for(need, never, most)
  local found, start = {}, 0
  while #found < most do
    local entries = redis.call('ZRANGE', FREE .. need, start, start + most - 1)
    if not entries[1] then break end
    local names, gone = {}, {}
    for i, entry in ipairs(entries) do names[i] = whose(entry) end
    local live = redis.call('HMGET', AGENTS, unpack(names))
    for i, entry in ipairs(entries) do
      if live[i] ~= entry then gone[#gone + 1] = entry
      elseif #found < most and not (never and never[names[i]]) then found[#found + 1] = entry end
    end
    if gone[1] then redis.call('ZREM', FREE .. need, unpack(gone)) end
    if #entries < most then break end
    start = start + #entries - #gone
  end
  return found
end

local function add_agents(out, lane)
  local need, prefers, only, never = asked(lane)
  if only ~= '' then
    local entry = redis.call('HGET', AGENTS, only)
    if not entry or (never and never[only]) or not redis.call('ZSCORE', FREE .. need, entry) then return false end
    out[#out + 1] = 'A' .. entry
    return true
  end
  local most = agents
  if prefers ~= '' then
    local better = free_for(prefers, never, most)
    for _, entry in ipairs(better) do out[#out + 1] = 'A' .. entry end
    if #better == most then return true end
    most = most + #better  -- they are met again
  end
  local able = free_for(need, never, most)
  for _, entry in ipairs(able) do out[#out + 1] = 'A' .. entry end
  return able[1] ~= nil
end

for _ = 1, 50 do
  local ripe = redis.call('ZRANGE', RIPE, 0, lanes, 'WITHSCORES')
  local out, tidy = {}, true
  if ripe[2 * lanes + 1] then out[1] = 'B' .. ripe[2 * lanes + 2] end
  for i = 1, math.min(#ripe, 2 * lanes), 2 do
    local lane, noted = ripe[i], ripe[i + 1]
    local line = redis.call('ZRANGE', LINE .. lane, 0, tickets, 'WITHSCORES')
    if not line[1] then
      redis.call('ZREM', RIPE, lane)
      tidy = false
    elseif line[2] ~= noted then
      redis.call('ZADD', RIPE, line[2], lane)
      tidy = false
    else
      out[#out + 1] = 'L' .. lane
      if not add_agents(out, lane) then
        redis.call('ZREM', RIPE, lane)
        tidy = false
      elseif tidy then
        for t = 1, #line, 2 do
          out[#out + 1] = (t > 2 * tickets and 'X' or 'T') .. line[t + 1] .. '\t' .. line[t]
        end
      end
    end
  end
  if tidy then return table.concat(out, '\n') end
end
return 'more'
