weaver --data-train jets.root --data-test jets.root --data-config jets.yaml \
    --network-config example_ParticleTransformer.py --network-option num_layers 2 \
    --num-epochs 5 --batch-size 64 --start-lr 1e-3 --gpus "" \
    --model-prefix particle_transformer --predict-output scores.root
