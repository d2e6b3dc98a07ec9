-- A claim came to nothing: the ticket is back at its place, and those named are free as before.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 ticket   4 token   5 order, sixteen digits   6 phases as JSON
--       7 how many needs, then the needs in the phases   then agents to be free again
-- Says  done | claim_gone | unknown (a need) | floor_lost
local claim = redis.call('HGET', CLAIMS, ARGV[3])
if not claim then return 'claim_gone' end
claim = cjson.decode(claim)
if claim.token ~= ARGV[4] then return 'claim_gone' end
local needs = tonumber(ARGV[7])
for i = 8, 7 + needs do
  if redis.call('HEXISTS', NEEDS, ARGV[i]) == 0 then return 'unknown' end
end
drop_claim(ARGV[3], claim)
redis.call('HSET', TICKETS, ARGV[3], ARGV[5] .. '\n' .. ARGV[6])
stand(ARGV[3], ARGV[5], cjson.decode(ARGV[6]))
for i = 8 + needs, #ARGV do
  for _, held in ipairs(claim.agents) do
    if held[1] == ARGV[i] then set_free(held[1], held[2]) end
  end
end
return 'done'
