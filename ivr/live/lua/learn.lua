-- Add needs and offers, and which serves which, worked out from those known at that shape.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 the shape   4 JSON: needs {need: field}, offers {digest: offer},
--       serves {digest: [need, field, need, field, …]}, the new ones only
-- Says  the new shape | stale (others were added meanwhile) | floor_lost
if (redis.call('GET', SHAPE) or '0') ~= ARGV[3] then return 'stale' end
local new = cjson.decode(ARGV[4])
for need, field in pairs(new.needs) do redis.call('HSET', NEEDS, need, field) end
for digest, offer in pairs(new.offers) do redis.call('HSET', OFFERS, digest, offer) end
for digest, serves in pairs(new.serves) do
  for i = 1, #serves, 2 do redis.call('HSET', SERVES .. digest, serves[i], serves[i + 1]) end
end
if next(new.needs) then
  local agents = redis.call('HGETALL', AGENTS)
  for i = 2, #agents, 2 do
    local fields = fields_of(agents[i])
    local serves = new.serves[fields[6]] or {}
    for s = 1, #serves, 2 do
      redis.call('ZADD', FREE .. serves[s], fields[tonumber(serves[s + 1])], agents[i])
    end
  end
end
return tostring(redis.call('INCR', SHAPE))
