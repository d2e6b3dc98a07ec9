-- All that is on the floor, at one moment.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now
-- Says  floor_lost | flat lists: tickets, those standing in line, free agents, claims
return {
  redis.call('HGETALL', TICKETS), redis.call('HGETALL', STANDING),
  redis.call('HGETALL', AGENTS), redis.call('HGETALL', CLAIMS),
}
