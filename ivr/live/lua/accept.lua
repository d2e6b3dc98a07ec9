-- An agent takes the claimed ticket, once: it leaves the floor, and the others who were rung are free as before.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 ticket   4 agent   5 token
-- Says  accepted, then a tab before each agent let go | claim_gone | floor_lost
local claim = redis.call('HGET', CLAIMS, ARGV[3])
if not claim then return 'claim_gone' end
claim = cjson.decode(claim)
local others, theirs = {}, false
for _, held in ipairs(claim.agents) do
  if held[1] == ARGV[4] then theirs = true else others[#others + 1] = held end
end
if claim.token ~= ARGV[5] or not theirs then return 'claim_gone' end
drop_claim(ARGV[3], claim)
redis.call('HDEL', TICKETS, ARGV[3])
redis.call('ZREM', DUE, ARGV[3])
local said = {'accepted'}
for _, held in ipairs(others) do
  set_free(held[1], held[2])
  said[#said + 1] = held[1]
end
return table.concat(said, '\t')
