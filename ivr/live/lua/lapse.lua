-- End the claims whose time has come: their tickets are back at their places. Their agents are not free until somebody
-- says so: why nobody answered is not known here.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 claims at most
-- Says  floor_lost | a line for each: ticket, token, fencing number, agents…   (parted by tabs)
local out = {}
for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', LAPSES, '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])) do
  local claim = cjson.decode(redis.call('HGET', CLAIMS, ticket))
  drop_claim(ticket, claim)
  stand_again(ticket)
  out[#out + 1] = ticket .. '\t' .. claim.token .. '\t' .. claim.fence .. '\t' .. agents_of(claim)
end
return table.concat(out, '\n')
