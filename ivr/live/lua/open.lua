-- Begin a new, empty floor under a later epoch: from now on every script that expects another one is refused.
-- It stands alone: neither the names nor the shared part come before it.
-- KEYS  1 the epoch   2 the new fence
-- ARGV  1 the new epoch   2 the first fencing number
-- Says  done | floor_lost (the floor is under this or a later epoch already)
local current = redis.call('GET', KEYS[1])
if current and tonumber(current) >= tonumber(ARGV[1]) then return 'floor_lost' end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return 'done'
