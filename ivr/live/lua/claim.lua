-- Reserve agents for tickets: of the choices, in their order, the first so many that still hold.
-- A choice whose ticket is gone is passed over: the next ticket is first then. One whose agents are all taken ends it,
-- since that ticket is first and must be looked at again. Of several agents, those still free are reserved.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 when the claims lapse   4 claims at most
--       then for each choice: ticket, token, how many agents, agents…
-- Says  floor_lost | a line for each choice looked at:
--       claimed, ticket, fencing number, agents… | ticket_gone, ticket | agent_taken, ticket   (parted by tabs)
local out, made, i = {}, 0, 5
while i <= #ARGV and made < tonumber(ARGV[4]) do
  local ticket, token, count = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local standing = redis.call('HGET', STANDING, ticket)
  if not standing then
    out[#out + 1] = 'ticket_gone\t' .. ticket
  else
    local order, lane = string.match(standing, '^(%d+)\t(.*)$')
    local need, _, only, never = asked(lane)
    local held = {}
    for a = i + 3, i + 2 + count do
      local agent = ARGV[a]
      local entry = redis.call('HGET', AGENTS, agent)
      if entry and (only == '' or only == agent) and not (never and never[agent])
        and redis.call('ZSCORE', FREE .. need, entry) then
        held[#held + 1] = {agent, entry}
      end
    end
    if #held == 0 then
      out[#out + 1] = 'agent_taken\t' .. ticket
      break
    end
    redis.call('ZREM', LINE .. lane, order .. '\t' .. ticket)
    redis.call('HDEL', STANDING, ticket)
    for _, one in ipairs(held) do
      set_busy(one[1], one[2])
      redis.call('HSET', CLAIMED, one[1], ticket)
    end
    local fence = string.format('%.0f', redis.call('INCR', FENCE))
    local claim = {agents = held, token = token, fence = fence, lapses = ARGV[3]}
    redis.call('HSET', CLAIMS, ticket, cjson.encode(claim))
    redis.call('ZADD', LAPSES, ARGV[3], ticket)
    out[#out + 1] = 'claimed\t' .. ticket .. '\t' .. fence .. '\t' .. agents_of(claim)
    made = made + 1
  end
  i = i + 3 + count
end
return table.concat(out, '\n')
