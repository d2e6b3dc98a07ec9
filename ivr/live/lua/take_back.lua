-- A claim that came on no record is undone: its ticket stands where it stood, and its agents are free as before.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 ticket   4 token
-- Says  done | claim_gone | floor_lost
local claim = redis.call('HGET', CLAIMS, ARGV[3])
if not claim then return 'claim_gone' end
claim = cjson.decode(claim)
if claim.token ~= ARGV[4] then return 'claim_gone' end
drop_claim(ARGV[3], claim)
stand_again(ARGV[3])
for _, held in ipairs(claim.agents) do set_free(held[1], held[2]) end
return 'done'
