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

local function add(out, entries, never, most)
  local count = 0
  for _, entry in ipairs(entries) do
    if count == most then break end
    if not (never and never[whose(entry)]) then
      out[#out + 1] = 'A' .. entry
      count = count + 1
    end
  end
  return count
end

local function add_agents(out, lane)
  local need, prefers, only, never, refusals = asked(lane)
  if only ~= '' then
    local entry = redis.call('HGET', AGENTS, only)
    if not (entry and redis.call('ZSCORE', FREE .. need, entry)) then return 0 end
    return add(out, {entry}, never, 1)
  end
  local most, count = agents, 0
  if prefers ~= '' then
    count = add(out, redis.call('ZRANGE', FREE .. prefers, 0, most + refusals - 1), never, most)
    if count == most then return count end
    most = most + count  -- they are met again below
  end
  return add(out, redis.call('ZRANGE', FREE .. need, 0, most + (refusals or 0) - 1), never, most)
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
      if add_agents(out, lane) == 0 then
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
