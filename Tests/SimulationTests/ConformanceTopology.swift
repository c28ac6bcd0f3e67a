/// Queues small enough to be filled, and quick enough to be waited for; in the format that both brokers read.
enum ConformanceTopology {
    static let json = #"""
        {"vhosts":[{"name":"/"}],
         "exchanges":[
          {"vhost":"/","name":"work","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{}},
          {"vhost":"/","name":"replies","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{}},
          {"vhost":"/","name":"ladder","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{}},
          {"vhost":"/","name":"dead","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{}}],
         "queues":[
          {"vhost":"/","name":"work.a","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"quorum"}},
          {"vhost":"/","name":"work.b","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"quorum"}},
          {"vhost":"/","name":"small","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"classic"}},
          {"vhost":"/","name":"ladder","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"quorum"}},
          {"vhost":"/","name":"dead","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"quorum"}}],
         "bindings":[
          {"vhost":"/","source":"work","destination":"work.a","destination_type":"queue","routing_key":"a.*","arguments":{}},
          {"vhost":"/","source":"work","destination":"work.a","destination_type":"queue","routing_key":"both.#","arguments":{}},
          {"vhost":"/","source":"work","destination":"work.b","destination_type":"queue","routing_key":"both.#","arguments":{}},
          {"vhost":"/","source":"ladder","destination":"ladder","destination_type":"queue","routing_key":"#","arguments":{}},
          {"vhost":"/","source":"dead","destination":"dead","destination_type":"queue","routing_key":"#","arguments":{}}],
         "policies":[
          {"vhost":"/","name":"work","pattern":"^work\\.","apply-to":"queues","priority":0,
           "definition":{"delivery-limit":3,"max-length":1000,"overflow":"reject-publish","dead-letter-exchange":"dead","dead-letter-strategy":"at-least-once"}},
          {"vhost":"/","name":"small","pattern":"^small$","apply-to":"queues","priority":0,"definition":{"max-length":2,"overflow":"reject-publish"}},
          {"vhost":"/","name":"ladder","pattern":"^ladder$","apply-to":"queues","priority":0,
           "definition":{"message-ttl":300,"max-length":1000,"overflow":"reject-publish","dead-letter-exchange":"","dead-letter-strategy":"at-least-once"}}]}
        """#
}
