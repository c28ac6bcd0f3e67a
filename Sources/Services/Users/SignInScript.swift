/// ``SignInLedger``'s decisions for all processes together: each in one step, by Redis's own clock.
///
/// For each attempt there are four keys (pair, account, network, known networks of the account). A key's failures are a sorted set of attempts by the time of
/// their expiry, so an attempt that is redelivered counts once; `:pending` has the places that are held. Every key expires.
enum SignInScript {
    /// Arguments: window, hold and the three limits; of each attempt its id, its pair, and whether its network is known. Returns 0 for admitted, -1 for busy,
    /// otherwise the seconds after which to try again.
    static let admit = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
        local hold = tonumber(ARGV[2])
        local answers = {}
        for i = 0, #KEYS / 4 - 1 do
            local id, pair, addressed = ARGV[6 + 3 * i], ARGV[7 + 3 * i], ARGV[8 + 3 * i] == '1'
            local known = tonumber(redis.call('ZSCORE', KEYS[4 * i + 4], pair) or 0) > now
            local wait, busy, places = 0, false, {}
            for j = 1, 3 do
                if j == 1 or (not known and (j == 2 or addressed)) then
                    local key, limit = KEYS[4 * i + j], tonumber(ARGV[2 + j])
                    local pending = key .. ':pending'
                    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
                    redis.call('ZREMRANGEBYSCORE', pending, '-inf', now)
                    if not redis.call('ZSCORE', key, id) and not redis.call('ZSCORE', pending, id) then
                        local failed = redis.call('ZCARD', key)
                        if failed >= limit then
                            local next = redis.call('ZRANGE', key, failed - limit, failed - limit, 'WITHSCORES')
                            wait = math.max(wait, math.ceil(tonumber(next[2]) - now))
                        elseif failed + redis.call('ZCARD', pending) >= limit then
                            busy = true
                        end
                    end
                    places[#places + 1] = pending
                end
            end
            if wait == 0 and not busy then
                for _, pending in ipairs(places) do
                    redis.call('ZADD', pending, now + hold, id)
                    redis.call('EXPIRE', pending, hold)
                end
            end
            answers[#answers + 1] = wait > 0 and wait or (busy and -1 or 0)
        end
        return answers
        """

    /// Arguments: window, how long and how many networks are known; of each attempt its id, its pair, whether its network is known, and the verdict.
    static let settle = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
        for i = 0, #KEYS / 4 - 1 do
            local id, pair, addressed, verdict = ARGV[4 + 4 * i], ARGV[5 + 4 * i], ARGV[6 + 4 * i] == '1', ARGV[7 + 4 * i]
            local networks = KEYS[4 * i + 4]
            local known = tonumber(redis.call('ZSCORE', networks, pair) or 0) > now
            for j = 1, 3 do
                local key = KEYS[4 * i + j]
                redis.call('ZREM', key .. ':pending', id)
                if verdict == 'wrong' and (j == 1 or (not known and (j == 2 or addressed))) then
                    redis.call('ZADD', key, 'NX', now + tonumber(ARGV[1]), id)
                    redis.call('EXPIRE', key, ARGV[1])
                end
            end
            if verdict == 'right' then
                redis.call('DEL', KEYS[4 * i + 1])
                redis.call('ZADD', networks, now + tonumber(ARGV[2]), pair)
                redis.call('ZREMRANGEBYRANK', networks, 0, -(tonumber(ARGV[3]) + 1))
                redis.call('EXPIRE', networks, ARGV[2])
            end
        end
        return 'OK'
        """
}
