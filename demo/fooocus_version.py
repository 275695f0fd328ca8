version = '2.5.5-demo'
