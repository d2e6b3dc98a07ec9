-- The needs and offers that are known, and how often some were added.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 the shape that is known already
-- Says  floor_lost | same | shape, the needs, and the offers as a flat list of digest and offer
local shape = redis.call('GET', SHAPE) or '0'
if shape == ARGV[3] then return 'same' end
return {shape, redis.call('HKEYS', NEEDS), redis.call('HGETALL', OFFERS)}
