-- Reserve agents for tickets: of the choices, in their order, the first so many that still hold.
-- A choice whose ticket is gone is passed over: the next ticket is first then. One whose agents are all taken ends it,
-- since that ticket is first and must be looked at again. Of several agents, those still free are reserved.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 when the claims lapse   4 claims at most
--       then for each choice: ticket, token, how many agents, agents…
-- Says  floor_lost | a line for each choice looked at:
--       claimed, ticket, fencing number, agents… | ticket_gone, ticket | agent_taken, ticket   (parted by tabs)
local out, made, i = {}, 0, 5
local taken, tickets, agents, left, claims, claimed, lapses = {}, {}, {}, {}, {}, {}, {}
while i <= #ARGV and made < tonumber(ARGV[4]) do
  local ticket, token, count = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local standing = not taken[ticket] and redis.call('HGET', STANDING, ticket)
  if not standing then
    out[#out + 1] = 'ticket_gone\t' .. ticket
  else
    local order, lane = string.match(standing, '^(%d+)\t(.*)$')
    local need, _, only, never = asked(lane)
    local held, names = {}, {}
    for a = i + 3, i + 2 + count do
      local agent = ARGV[a]
      local entry = not taken[agent] and (only == '' or only == agent) and not (never and never[agent])
        and redis.call('HGET', AGENTS, agent)
      if entry and redis.call('ZSCORE', FREE .. need, entry) then
        held[#held + 1] = {agent, entry}
        names[#names + 1] = agent
        left[#left + 1] = agent
        left[#left + 1] = entry
      end
    end
    if #held == 0 then
      out[#out + 1] = 'agent_taken\t' .. ticket
      break
    end
    redis.call('ZREM', LINE .. lane, order .. '\t' .. ticket)
    local first = redis.call('ZRANGE', LINE .. lane, 0, 0, 'WITHSCORES')
    if first[1] then redis.call('ZADD', RIPE, first[2], lane) else redis.call('ZREM', RIPE, lane) end
    taken[ticket] = true
    tickets[#tickets + 1] = ticket
    local fence = string.format('%.0f', redis.call('INCR', FENCE))
    claims[#claims + 1] = ticket
    claims[#claims + 1] = cjson.encode({agents = held, token = token, fence = fence, lapses = ARGV[3]})
    lapses[#lapses + 1] = ARGV[3]
    lapses[#lapses + 1] = ticket
    for _, agent in ipairs(names) do
      taken[agent] = true
      agents[#agents + 1] = agent
      claimed[#claimed + 1] = agent
      claimed[#claimed + 1] = ticket
    end
    out[#out + 1] = 'claimed\t' .. ticket .. '\t' .. fence .. '\t' .. table.concat(names, '\t')
    made = made + 1
  end
  i = i + 3 + count
end
-- What many claims write is written at once: a call out of Lua costs more than what it does.
if made > 0 then
  redis.call('HDEL', STANDING, unpack(tickets))
  redis.call('HDEL', AGENTS, unpack(agents))
  redis.call('HSET', LEFT, unpack(left))
  redis.call('HSET', CLAIMS, unpack(claims))
  redis.call('HSET', CLAIMED, unpack(claimed))
  redis.call('ZADD', LAPSES, unpack(lapses))
end
return table.concat(out, '\n')
