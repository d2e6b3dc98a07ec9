-- Begin a new, empty floor under a later epoch: from now on every script that expects another one is refused.
-- It stands alone: neither the names nor the shared part come before it.
-- KEYS  1 the epoch   2 the new fence   3 until when it is being built
-- ARGV  1 the new epoch   2 the first fencing number   3 now   4 until when whoever begins it may take
-- Says  done | building (somebody else is at it) | floor_lost (the floor is under this or a later epoch already)
local current = redis.call('GET', KEYS[1])
if current and tonumber(current) >= tonumber(ARGV[1]) then
  local till = tonumber(redis.call('GET', KEYS[3]) or '0')
  local now, longest = tonumber(ARGV[3]), tonumber(ARGV[4]) - tonumber(ARGV[3])
  -- One that lies further ahead than anybody may take was set before the clock was put back.
  if now < till and till - now <= longest then return 'building' end
  return 'floor_lost'
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], ARGV[4])
return 'done'
